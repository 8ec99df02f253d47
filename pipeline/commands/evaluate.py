"""The command `evaluate`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, done, trained_of


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir, run = trained_of(arguments, flags)
    from pipeline.steps.evaluate import evaluate

    return lambda: done(evaluate(config, dataset_dir, run))


COMMAND = Command(
    "evaluate",
    "CMML beside the baselines",
    _resolve,
    needs_config=True,
)
