"""The command `report`."""

import argparse
import pathlib

from pipeline.commands.command import Command, Step, dataset_of, done, must_have_folder


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        help="HTML file; default: report/index.html of the run",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    must_have_folder(arguments.output)
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps.report import open_evaluated, write_report

    run = open_evaluated(config, dataset_dir)
    return lambda: done(
        write_report(
            config,
            dataset_dir,
            run,
            config_path=arguments.config,
            overrides=arguments.set,
            output=arguments.output,
        )
    )


COMMAND = Command(
    "report",
    "one page on an evaluated run: is it good, for whom",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
