"""The command `evaluate`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, dataset_of, done


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    from pipeline.steps.evaluate import evaluate
    from pipeline.training.trained import open_trained

    run = open_trained(config, dataset_dir)
    return lambda: done(evaluate(config, dataset_dir, run))


COMMAND = Command(
    "evaluate",
    "CMML beside the baselines",
    _resolve,
    needs_config=True,
)
