"""The command `train`."""

import argparse

from pipeline.commands.command import Command, Step, dataset_of, done
from pipeline.training.strategy import NONE, STRATEGIES, validate_strategy


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default=NONE,
        help="train by one device, by all devices of this machine, or by the workers "
        "that TF_CONFIG names; default %(default)s",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    validate_strategy(arguments.strategy)
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps.train import train

    return lambda: done(train(config, dataset_dir, arguments.strategy).path)


COMMAND = Command(
    "train",
    "episodes to weights",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
