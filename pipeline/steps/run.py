"""The step `run`: everything from raw tables to a checked, exported model."""

import pathlib
from collections.abc import Sequence

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.prepared import check_splits
from pipeline.experiment.progress import say
from pipeline.steps.evaluate import evaluate
from pipeline.steps.export import export
from pipeline.steps.prepare import check_local, prepare
from pipeline.steps.pretrain import pretrain
from pipeline.steps.refit import refit
from pipeline.steps.train import train
from pipeline.training.trained import wants_refit
from transforms.schema import META_TEST


def run(config: Experiment, flags: Sequence[str]) -> pathlib.Path:
    """Prepares, fits factors, trains, evaluates, refits and exports.

    What is up to date is skipped.

    Args:
        config: The experiment.
        flags: Flags for Beam.

    Returns:
        The directory of the exported version.

    Raises:
        DataError: If `prepared_dir` is in a bucket, or a split has too few tasks for
            any of the steps.
    """
    check_local(config)
    dataset_dir = prepare(config, flags)
    check_splits(dataset_dir, judged=META_TEST)
    pretrain(config, dataset_dir)
    run_dir = train(config, dataset_dir)
    table = evaluate(config, dataset_dir, run_dir)
    if wants_refit(config):
        refit(config, dataset_dir, run_dir)
    exported = export(config, dataset_dir, run_dir)
    print(table)
    say(f"run:   {run_dir.path}")
    say(f"logs:  tensorboard --logdir {run_dir.logs}")
    return exported
