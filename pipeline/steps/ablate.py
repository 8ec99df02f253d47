"""The step `ablate`: variants of one experiment, trained over seeds and compared."""

import gc
import json
import pathlib
from collections.abc import Sequence

import numpy as np

from models.legacy_keras import tf
from models.resumable_training import METRICS_FILE, TrainingDivergedError
from models.whole_files import write_atomically
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir, training_fingerprint
from pipeline.judging.fitted_baselines import REFERENCE, fit_baselines
from pipeline.judging.variant_grid import GridSpec, Table
from pipeline.judging.variant_scores import (
    Outcome,
    load_metrics,
    save_metrics,
    score_variant,
    support_groups,
)
from pipeline.reports.comparison.ablation_table import (
    ablation_report,
    summarise,
    to_json,
)
from pipeline.settings.user.config import Config
from pipeline.experiment.config_file import hash_of
from pipeline.settings.user.loaded_dataset import LoadedDataset, load_dataset
from pipeline.steps.train import STEP as TRAIN
from pipeline.steps.train import check_splits, train, trained_model

STEP = "ablate"
REFERENCES = (REFERENCE, "item_mean")  # Rows beside the variants of every table.


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
        overrides: Changes of the experiment as typed, to be told in the report.

    Returns:
        The tables, in Markdown; they and `results.json` are written to
        `runs/<name>/ablations/<grid>/<split>/`.

    Raises:
        DataError: If the split has fewer than 2 tasks, or the data set too few to
            train with.
    """
    dataset = load_dataset(dataset_dir)
    check_splits(dataset.info, dataset_dir)
    config = next(iter(tables[0].variants[0].configs.values()))
    groups = support_groups(dataset, split, config.evaluation)
    baselines = fit_baselines(REFERENCES, dataset, config.evaluation)
    references = {
        name: [Outcome(score_variant(method, groups, config.evaluation))]
        for name, method in baselines.items()
    }
    outcomes: dict[tuple[str, str], list[Outcome]] = {}
    jobs = [
        (table, variant, seed)
        for table in tables
        for variant in table.variants
        for seed in variant.configs
    ]
    for number, (table, variant, seed) in enumerate(jobs, start=1):
        say(f"ablate: {number}/{len(jobs)}  {table.title}: {variant.name}, seed {seed}")
        outcome = _outcome(variant.configs[seed], dataset, groups, split)
        outcomes.setdefault((table.title, variant.name), []).append(outcome)
    summary = summarise(tables, outcomes, references, overrides, config.evaluation)
    text = ablation_report(grid.name, split, tables, summary)
    folder = pathlib.Path(config.runs_dir, config.name, "ablations", grid.name, split)
    results = json.dumps(to_json(summary), indent=2) + "\n"
    write_atomically(folder / "results.json", results)
    write_atomically(folder / "tables.md", text)
    return text


def _outcome(
    config: Config,
    dataset: LoadedDataset,
    groups: dict[str, tf.data.Dataset],
    split: str,
) -> Outcome:
    """Trains and scores one variant with one seed, unless that is done."""
    try:
        run = train(config, dataset.directory)
    except TrainingDivergedError as error:
        say(f"ablate: {error}")
        return Outcome({}, failure=f"seed {config.training.seed}: {error}")
    path = run.ablation / f"{split}.npz"
    fingerprint = hash_of(
        training_fingerprint(config, dataset.info.fingerprint), config.evaluation
    )
    step = f"{STEP} {split}"
    if not (run.is_done(step, fingerprint) and path.exists()):
        model = trained_model(config, dataset, run)
        save_metrics(path, score_variant(model, groups, config.evaluation))
        run.record(step, fingerprint)
        # What Keras and the garbage collector keep would pile up, variant by variant.
        del model
        tf.keras.backend.clear_session()
        gc.collect()
    return Outcome(
        load_metrics(path),
        tasks_per_s=_median_speed(run),
        num_parameters=run.facts(TRAIN)["num_parameters"],
        run=run.path.name,
    )


def _median_speed(run: RunDir) -> float:
    lines = (run.path / METRICS_FILE).read_text(encoding="utf-8").splitlines()
    # The first epoch traces the graph.
    speeds = [json.loads(line)["tasks_per_s"] for line in lines[1:] or lines]
    return float(np.median(speeds))
