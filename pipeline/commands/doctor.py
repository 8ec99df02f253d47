"""The command `doctor`."""

import argparse
import functools

from pipeline.commands.command import Command, Step, add_set, config_of, refuse_changes


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", help="YAML file of an experiment, whose tables are looked at too"
    )
    add_set(parser, "change one key of it; may be repeated")


def _resolve(arguments: argparse.Namespace) -> Step:
    refuse_changes(arguments)
    from pipeline.steps import doctor

    config = None if arguments.config is None else config_of(arguments)
    return functools.partial(doctor.run, config)


COMMAND = Command(
    "doctor",
    "check the environment for known traps, and a configuration",
    _resolve,
    add_arguments=_add_arguments,
)
