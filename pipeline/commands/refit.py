"""The command `refit`."""

import argparse

from pipeline.commands.command import Command, Step, done, trained_of


def _resolve(arguments: argparse.Namespace) -> Step:
    config, dataset_dir, run = trained_of(arguments)
    from pipeline.steps import refit

    refit.validate(config)
    return lambda: done(refit.refit(config, dataset_dir, run).path)


COMMAND = Command(
    "refit",
    "all pairs to the weights that are exported",
    _resolve,
    needs_config=True,
)
