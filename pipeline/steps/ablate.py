"""The step `ablate`: variants of one experiment, trained over seeds and compared."""

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from models.evaluation.shown import Shown
from models.free_memory import free_memory
from models.recommender import Recommender
from models.resumable_training import TrainingDivergedError
from models.whole_files import finite, write_atomically, write_json
from pipeline.experiment.config_file import hash_of
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.prepared import check_splits
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import training_fingerprint
from pipeline.judging.ablation import NONE, OTHER, OWN, Outcome, summarise
from pipeline.judging.simple_methods import fit_simple
from pipeline.judging.task_metrics_file import TaskMetrics, load_metrics, save_metrics
from pipeline.judging.variant_grid import GridSpec, Table
from pipeline.reports.comparison.ablation_table import ablation_report
from pipeline.settings.more_metrics import shown_metrics
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from pipeline.steps.train import train
from pipeline.training.course import median_speed, read_course
from pipeline.training.trained import STEP as TRAIN
from pipeline.training.trained import trained_model
from transforms.schema import DataError

STEP = "ablate"


def ablate(
    grid: GridSpec,
    tables: Sequence[Table],
    dataset_dir: pathlib.Path,
    *,
    split: str,
    overrides: Sequence[str] = (),
) -> str:
    """Trains every variant with every seed, scores it, and lays the results out.

    Each variant and seed is a run of its own, which resumes if it was killed and is
    skipped if it is finished, in whatever table or grid it stands. A variant whose
    training diverges is a row that says so.

    Args:
        grid: The grid.
        tables: Its tables, expanded.
        dataset_dir: The prepared data set.
        split: "meta_validation" to choose by, "meta_test" to report.
        overrides: Changes of the experiment as typed, for the report.

    Returns:
        The tables, in Markdown; they and `results.json` are written to
        `runs/<name>/ablations/<grid>/<split>/`.

    Raises:
        DataError: If the split has fewer than 2 tasks, or the data set too few to
            train with.
    """
    check_splits(dataset_dir)
    config: Any = next(iter(tables[0].variants[0].configs.values()))
    setting, options = setting_of(config), config.evaluation
    data = setting.load(config, dataset_dir)
    groups = support_sets(config, data, split)
    references = {
        name: [Outcome(_judge(method, config, data, groups))]
        for name, method in _references(config, data, [*groups.values()]).items()
    }
    folder = pathlib.Path(config.runs_dir, config.name, "ablations", grid.name, split)
    with one_at_a_time(STEP, folder.parent):
        outcomes = _outcomes(tables, data, groups, split)
    summary = summarise(
        tables,
        outcomes,
        references,
        metrics=shown_metrics(setting.metrics, options.more_metrics),
        overrides=overrides,
        seed=options.seed,
        num_resamples=options.num_resamples,
    )
    text = ablation_report(grid.name, split, tables, summary, setting.metrics[0])
    write_json(folder / "results.json", finite(dataclasses.asdict(summary)))
    write_atomically(folder / "tables.md", text)
    say(f"ablate: wrote {folder}")
    return text


def support_sets(config: Any, data: Data, split: str) -> dict[str, Shown]:
    """Returns the tasks of a split with their own support sets, others' and none.

    Raises:
        DataError: If there are fewer than 2 tasks, so that none has another.
    """
    num_tasks = data.info.num_tasks.get(split, 0)
    if num_tasks < 2:
        raise DataError(
            f"{data.directory} must hold at least 2 {split} tasks to exchange their "
            f"support sets, got {num_tasks}."
        )
    own = setting_of(config).groups(config, data, split)[0]
    return {OWN: own, OTHER: own.with_other_support(), NONE: own.few(0)}


def _references(
    config: Any, data: Data, groups: Sequence[Shown]
) -> dict[str, Recommender]:
    """Fits the simple methods that stand beside the variants."""
    names = setting_of(config).methods(config).beside_ablation
    return {name: fit_simple(name, config, data, groups).method for name in names}


def _judge(
    method: Recommender, config: Any, data: Data, groups: Mapping[str, Shown]
) -> TaskMetrics:
    setting = setting_of(config)
    method = setting.methods(config).completed(method, config, data)
    scorer = setting.scorer(method, config, data)
    scored = scorer.score_groups([*groups.values()])
    return {name: setting.by_task(scored[one.group]) for name, one in groups.items()}


def _outcomes(
    tables: Sequence[Table], data: Data, groups: Mapping[str, Shown], split: str
) -> dict[tuple[str, str], list[Outcome]]:
    """Trains and judges all; by title of the table and variant, one a seed."""
    outcomes: dict[tuple[str, str], list[Outcome]] = {}
    jobs = [
        (table, variant, seed)
        for table in tables
        for variant in table.variants
        for seed in variant.configs
    ]
    for number, (table, variant, seed) in enumerate(jobs, start=1):
        say(f"ablate: {number}/{len(jobs)}  {table.title}: {variant.name}, seed {seed}")
        outcome = _outcome(variant.configs[seed], data, groups, split)
        outcomes.setdefault((table.title, variant.name), []).append(outcome)
    return outcomes


def _outcome(
    config: Any, data: Data, groups: Mapping[str, Shown], split: str
) -> Outcome:
    """Trains and judges one variant with one seed, unless that is done."""
    try:
        run = train(config, data.directory)
    except TrainingDivergedError as error:
        say(f"ablate: {error}")
        return Outcome({}, failure=f"seed {config.training.seed}: {error}")
    path = run.ablation / f"{split}.npz"
    fingerprint = hash_of(
        training_fingerprint(config, data.info.fingerprint), config.evaluation
    )
    step = f"{STEP} {split}"
    if not (run.is_done(step, fingerprint) and path.exists()):
        model = trained_model(config, data, run)
        save_metrics(path, _judge(model, config, data, groups))
        run.record(step, fingerprint)
        del model
        free_memory()
    return Outcome(
        load_metrics(path),
        tasks_per_s=median_speed(read_course(run)),
        num_parameters=run.facts(TRAIN)["num_parameters"],
        run=run.path.name,
    )
