"""The command `pretrain`."""

import argparse
from collections.abc import Sequence

from pipeline.commands.command import Command, Step, dataset_of, done


def _resolve(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    config, dataset_dir = dataset_of(arguments, flags)
    from pipeline.steps import pretrain

    pretrain.validate(config)
    return lambda: done(pretrain.pretrain(config, dataset_dir))


COMMAND = Command(
    "pretrain",
    "factors of users and items, for scenarios",
    _resolve,
    needs_config=True,
)
