"""The command `train`."""

import argparse

from pipeline.commands.command import Command, Step, dataset_of, done


def _resolve(arguments: argparse.Namespace) -> Step:
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps.train import train

    return lambda: done(train(config, dataset_dir).path)


COMMAND = Command(
    "train",
    "episodes to weights",
    _resolve,
    needs_config=True,
)
