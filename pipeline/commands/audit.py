"""The command `audit`."""

import argparse

from pipeline.commands.command import Command, Step, dataset_of


def _resolve(arguments: argparse.Namespace) -> Step:
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps.audit import audit

    return lambda: audit(config, dataset_dir)


COMMAND = Command(
    "audit",
    "look for leaks in a prepared data set",
    _resolve,
    needs_config=True,
)
