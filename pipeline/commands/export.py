"""The command `export`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, done, trained_of


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir, run = trained_of(arguments, flags)
    from pipeline.steps.export import export

    return lambda: done(export(config, dataset_dir, run))


COMMAND = Command(
    "export",
    "weights to a SavedModel",
    _resolve,
    needs_config=True,
)
