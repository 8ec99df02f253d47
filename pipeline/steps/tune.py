"""The step `tune`: searches keys of the configuration, judged on meta-validation."""

import pathlib
import shlex

from pipeline.experiment.prepared import prepared_facts
from pipeline.experiment.progress import say
from pipeline.reports.search.tuning_report import BEST_FILE
from pipeline.reports.search.verdict import name_of
from pipeline.settings.registry import setting_of
from pipeline.steps.trial_training import StepTrainer
from pipeline.training.search_plan import SearchPlan
from transforms.plural import counted
from tuning.hparams_log import HPARAMS_DIR
from tuning.results import SearchResults
from tuning.search import run_search
from tuning.search_oracle import Budget
from tuning.space import EPOCHS_KEY
from tuning.trial_result import value_text


def search_dir_of(plan: SearchPlan, dataset_dir: pathlib.Path) -> pathlib.Path:
    """Names the folder of a search."""
    return plan.folder(prepared_facts(dataset_dir).fingerprint)


def tune(
    plan: SearchPlan,
    dataset_dir: pathlib.Path,
    *,
    max_trials: int | None = None,
    max_hours: float | None = None,
    command: str,
) -> str:
    """Runs the trials that are missing, and says which is best.

    Started again after a kill, with the same arguments, it finishes what is missing and
    repeats nothing. Several processes share the trials if KerasTuner's variables
    KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT say so.

    Args:
        plan: What is searched.
        dataset_dir: The prepared data set.
        max_trials: Trials of the whole search, at most.
        max_hours: Hours after which no trial is started.
        command: What lays the results out.

    Returns:
        A few lines for people.

    Raises:
        DataError: If values can never be tried, the data set is at fault, three trials
            in a row fail alike, or another process runs this search.
    """
    search = _search(plan)
    search_dir = search_dir_of(plan, dataset_dir)
    say(f"tune: {search_dir}")
    results = run_search(
        search,
        search_dir,
        refusal=plan.refusal,
        trainer=StepTrainer(plan.config, dataset_dir, search.metric),
        say=say,
        budget=Budget(max_trials, max_hours, plan.config.training.max_epochs),
    )
    return _summary(results, search_dir, command, plan)


def _search(plan: SearchPlan) -> SearchResults:
    """Says what trials are judged by, which is what best epochs are chosen by."""
    metric = setting_of(plan.config).metrics[0]
    return SearchResults(
        plan.space,
        plan.algorithm,
        f"val_{metric.name}",
        not metric.higher_is_better,
        metric.unit,
        plan.seeds,
        own=plan.own,
    )


def _summary(
    results: SearchResults, search_dir: pathlib.Path, command: str, plan: SearchPlan
) -> str:
    max_epochs = plan.config.training.max_epochs
    statuses = [trial.status for trial in results.trials]
    counts = [
        f"{counted(statuses.count('completed'), 'trial')} completed",
        f"{statuses.count('failed')} failed",
        f"{statuses.count('invalid')} skipped as invalid",
    ]
    lines = [", ".join(counts)]
    if best := results.best_first():
        values = ", ".join(f"{k}={value_text(v)}" for k, v in best[0].values.items())
        unit = f" {results.unit}" if results.unit else ""
        lines.append(
            f"best: trial {name_of(results, best[0])}, {results.metric} "
            f"{best[0].objective:.4f}{unit}, with {values}"
        )
        if best[0].values.get(EPOCHS_KEY, max_epochs) < max_epochs:
            lines.append(
                f"it has had {best[0].values[EPOCHS_KEY]} of "
                f"{counted(max_epochs, 'epoch')}: it "
                "is the best of those not promoted to more, or of more that did worse"
            )
        lines.append(f"next: {command}")
        best_file = shlex.quote(str(search_dir / BEST_FILE))
        lines.append(f"then: cmml run --config {best_file}")
        had = best[0].values.get(EPOCHS_KEY, max_epochs)
        if EPOCHS_KEY not in plan.space.keys and had != plan.full_epochs:
            lines[-1] += (
                f", which trains for up to {counted(plan.full_epochs, 'epoch')}, as "
                f"the experiment says; the trial had {had}"
            )
    lines += [f"TensorBoard: {search_dir / HPARAMS_DIR}", str(search_dir)]
    return "\n".join(lines)
