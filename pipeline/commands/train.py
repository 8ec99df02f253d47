"""The command `train`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, dataset_of, done


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    from pipeline.steps.train import train

    return lambda: done(train(config, dataset_dir).path)


COMMAND = Command(
    "train",
    "episodes to weights",
    _resolve,
    needs_config=True,
)
