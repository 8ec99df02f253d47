"""The command `evaluate`."""

import argparse

from pipeline.commands.command import Command, Step, done, trained_of


def _resolve(arguments: argparse.Namespace) -> Step:
    config, dataset_dir, run = trained_of(arguments)
    from pipeline.steps.evaluate import evaluate

    return lambda: done(evaluate(config, dataset_dir, run))


COMMAND = Command(
    "evaluate",
    "CMML beside the baselines",
    _resolve,
    needs_config=True,
)
