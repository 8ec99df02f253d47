"""The command `export`."""

import argparse

from pipeline.commands.command import Command, Step, done, trained_of
from pipeline.export.formats.format import FORMAT_NAMES


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format",
        dest="formats",
        action="append",
        default=[],
        choices=FORMAT_NAMES,
        help="write the model in this format too; may be repeated",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    from pipeline.export.loaded_version import FORMATS

    formats = [FORMATS[name] for name in dict.fromkeys(arguments.formats)]
    for one in formats:
        one.check()
    config, dataset_dir, run = trained_of(arguments)
    from pipeline.steps.export import export_formats

    def step() -> None:
        for path in export_formats(config, dataset_dir, run, formats):
            done(path)

    return step


COMMAND = Command(
    "export",
    "weights to a SavedModel, and to other formats",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
