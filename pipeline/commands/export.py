"""The command `export`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, dataset_of, done


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    from pipeline.steps.export import export
    from pipeline.training.trained import open_trained

    run = open_trained(config, dataset_dir)
    return lambda: done(export(config, dataset_dir, run))


COMMAND = Command(
    "export",
    "weights to a SavedModel",
    _resolve,
    needs_config=True,
)
