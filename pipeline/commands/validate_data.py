"""The command `validate-data`."""

import argparse
import pathlib

from pipeline.commands.command import Command, Step, config_of


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--against",
        type=pathlib.Path,
        metavar="DIR",
        help="the prepared data set that was trained on; default: drift.reference",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    config = config_of(arguments)
    from pipeline.steps.prepare import open_dataset
    from pipeline.steps.validate_data import validate_data

    dataset_dir = open_dataset(config)
    return lambda: validate_data(config, dataset_dir, arguments.against)


COMMAND = Command(
    "validate-data",
    "compare a prepared data set with the one trained on",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
