"""The command `pretrain`."""

import argparse

from pipeline.commands.command import Command, Step, dataset_of, done


def _resolve(arguments: argparse.Namespace) -> Step:
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps import pretrain

    pretrain.validate(config)
    return lambda: done(pretrain.pretrain(config, dataset_dir))


COMMAND = Command(
    "pretrain",
    "factors of users and items, for scenarios",
    _resolve,
    needs_config=True,
)
