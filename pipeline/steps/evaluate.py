"""The step `evaluate`: CMML and the baselines judged on the same pairs."""

import dataclasses
import json
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

from models.closed_form import ClosedForm
from models.evaluation.intervals import Interval
from models.evaluation.shown import Shown
from models.recommender import Recommender
from models.whole_files import write_atomically
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.prepared import prepared_facts
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir, evaluation_fingerprint
from pipeline.judging.differences import DIFFERENCES_FILE, write_differences
from pipeline.judging.evaluation import CLOSED_FORM, CMML, Evaluation
from pipeline.judging.scores_file import SCORES_FILE, ScoresWriter
from pipeline.judging.simple_methods import fit_simple
from pipeline.reports.run.evaluation_table import evaluation_text
from pipeline.settings.more_metrics import shown_metrics
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from pipeline.training.trained import trained_model
from transforms.schema import META_TEST, DataError

STEP = "evaluate"
TABLE_FILE = "table.md"


def evaluate(config: Experiment, dataset_dir: pathlib.Path, run: RunDir) -> str:
    """Judges every method on the tasks of meta-test.

    All methods get the same support sets and score the same pairs. All are judged
    again with fewer support pairs, and CMML with the support set of another task.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training; `eval/` is written there. An evaluation of
            other keys or metrics is kept beside it, under the start of its
            fingerprint, and taken back when they come again.

    Returns:
        A table for people to read, in Markdown.

    Raises:
        DataError: If there are no meta-test tasks.
    """
    fingerprint = evaluated_by(config, dataset_dir)
    table = run.evaluation / TABLE_FILE

    def is_done() -> bool:
        return run.is_done(STEP, fingerprint) and table.exists()

    if is_done():
        say(f"evaluate: {run.evaluation} is up to date")
        return table.read_text(encoding="utf-8")
    if not prepared_facts(dataset_dir).num_tasks.get(META_TEST):
        raise DataError(f"{dataset_dir} holds no {META_TEST} tasks to evaluate on.")
    with one_at_a_time(STEP, run.evaluation):
        if not is_done():
            new = _kept_dir(run, fingerprint)
            if run.is_done(new.name, fingerprint) and (new / TABLE_FILE).exists():
                say(f"evaluate: {new} is the earlier evaluation with these keys")
            else:
                shutil.rmtree(new, ignore_errors=True)  # Of a killed evaluation.
                facts = _evaluate(config, dataset_dir, run, new)
                run.record(new.name, fingerprint, **facts)
            _keep_earlier(config, run, fingerprint)
            _put_in_place(new, run)
    return table.read_text(encoding="utf-8")


def evaluated_by(config: Experiment, dataset_dir: pathlib.Path) -> str:
    """Returns the fingerprint that `evaluate` leaves for this experiment."""
    fingerprint = prepared_facts(dataset_dir).fingerprint
    return evaluation_fingerprint(config, fingerprint, setting_of(config).metrics)


def _evaluate(
    config: Any, dataset_dir: pathlib.Path, run: RunDir, folder: pathlib.Path
) -> dict[str, Any]:
    """Judges, writes what came of it into a folder, and returns what is to be noted."""
    data = setting_of(config).load(config, dataset_dir)
    evaluation, further, chosen = _judge_all(config, data, run, folder)
    intervals = evaluation.intervals()
    summary = {name: further[name] | intervals[name] for name in intervals}
    differences = evaluation.differences()
    write_atomically(
        folder / "metrics.json",
        json.dumps(summary, indent=2, default=dataclasses.asdict),
    )
    write_differences(folder / DIFFERENCES_FILE, evaluation.metrics, differences)
    text = evaluation_text(evaluation, summary, differences)
    write_atomically(folder / TABLE_FILE, text)
    return {**chosen, "keys": config.evaluation.model_dump(mode="json")}


def _keep_earlier(config: Any, run: RunDir, fingerprint: str) -> None:
    """Moves a finished evaluation of other keys aside, and says which keys differ."""
    earlier, keys = run.facts(STEP), config.evaluation.model_dump(mode="json")
    if earlier.get("fingerprint", fingerprint) != fingerprint:
        before = earlier.get("keys", {})
        changed = [
            f"evaluation.{key}" for key in before if before[key] != keys.get(key)
        ]
        kept = _kept_dir(run, earlier["fingerprint"])
        other = f"another {' and '.join(changed)}" if changed else "other metrics"
        if run.evaluation.exists():
            shutil.rmtree(kept, ignore_errors=True)  # Of the same keys.
            run.record(kept.name, **earlier)
            run.evaluation.rename(kept)
            say(f"evaluate: the earlier evaluation, of {other}, is now in {kept}")
    run.forget(STEP)


def _put_in_place(new: pathlib.Path, run: RunDir) -> None:
    """Makes a whole evaluation that of the run."""
    shutil.rmtree(run.evaluation, ignore_errors=True)  # Without a record, not whole.
    run.record(STEP, **run.facts(new.name))
    new.rename(run.evaluation)
    run.forget(new.name)


def _kept_dir(run: RunDir, fingerprint: str) -> pathlib.Path:
    """Returns where an evaluation is until it is whole, and beside another later."""
    return run.evaluation.with_name(f"eval-{fingerprint[:8]}")


def _judge_all(
    config: Any, data: Data, run: RunDir, folder: pathlib.Path
) -> tuple[Evaluation, dict[str, dict[str, dict[str, Interval]]], dict[str, Any]]:
    """Asks every method, and keeps what it answers in a folder.

    Returns:
        The evaluation, further intervals by method, and the hyperparameters chosen for
        the baselines, as they are noted.
    """
    setting, options = setting_of(config), config.evaluation
    model = trained_model(config, data, run)
    methods: dict[str, Recommender] = {CMML: model}
    if model.pairs.num_factors and model.pairs.has_prior:
        methods[CLOSED_FORM] = ClosedForm(model)
    groups = setting.groups(config, data, META_TEST)
    chosen: dict[str, dict[str, Any]] = {"chosen": {}, "chosen_without_pool": {}}
    for name in options.baselines:
        fitted = fit_simple(name, config, data, groups)
        methods[name] = fitted.method
        chosen["chosen"][name] = fitted.hyperparameters
        if fitted.without_pool is not None:
            chosen["chosen_without_pool"][name] = fitted.without_pool
    by_task, further = {}, {}
    folder.mkdir()
    with ScoresWriter(folder / SCORES_FILE, data.directory) as writer:
        for name, method in methods.items():
            say(f"evaluate: asking {name}")
            method = setting.methods(config).completed(method, config, data)
            scorer = setting.scorer(method, config, data)
            scored = scorer.score_groups(_groups_of(name, groups))
            for group, pairs in scored.items():
                writer.write(name, group, pairs)
            by_task[name] = {
                group: setting.by_task(pairs) for group, pairs in scored.items()
            }
            further[name] = setting.parts.further_intervals(config, data, scored)
    evaluation = Evaluation(
        metrics=shown_metrics(setting.metrics, options.more_metrics),
        groups=groups,
        reference=setting.methods(config).reference,
        by_task=by_task,
        seed=options.seed,
        num_resamples=options.num_resamples,
        notes=setting.parts.metric_notes(data),
    )
    return evaluation, further, chosen


def _groups_of(method: str, groups: Sequence[Shown]) -> list[Shown]:
    """Returns the groups that a method is judged in."""
    return [one for one in groups if method == CMML or one.support == "own"]
