"""The command `validate`."""

import argparse
import functools
import pathlib

from pipeline.commands.command import MODEL, Command, Step, version_of


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=pathlib.Path, required=True, help=MODEL)


def _resolve(arguments: argparse.Namespace) -> Step:
    version = version_of(arguments)
    from pipeline.steps.validate import validate

    return functools.partial(validate, version)


COMMAND = Command(
    "validate",
    "ask an exported model all it has recorded",
    _resolve,
    add_arguments=_add_arguments,
)
