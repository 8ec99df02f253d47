"""The command `export`."""

import argparse

from pipeline.commands.command import Command, Step, done, trained_of


def _resolve(arguments: argparse.Namespace) -> Step:
    config, dataset_dir, run = trained_of(arguments)
    from pipeline.steps.export import export

    return lambda: done(export(config, dataset_dir, run))


COMMAND = Command(
    "export",
    "weights to a SavedModel",
    _resolve,
    needs_config=True,
)
