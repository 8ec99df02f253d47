"""The command `rollback`."""

import argparse
import functools
import pathlib

from pipeline.commands.command import Command, Step
from pipeline.experiment import quiet


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", type=pathlib.Path, required=True, help="base of models")
    parser.add_argument("--model_name", help="default: the only model of the base")
    parser.add_argument("--label", default="stable", help="stable or canary")
    parser.add_argument("--version", type=int, help="default: the one before")
    parser.add_argument("--server", metavar="HOST:PORT", help="a server to be notified")


def _resolve(arguments: argparse.Namespace) -> Step:
    from pipeline.serving.base.push_options import check_label_and_server

    check_label_and_server(arguments.label, arguments.server)
    if not arguments.to.is_dir():
        raise ValueError(
            f"--to must be a base that has been pushed to, got {arguments.to}. In a "
            "registry of MLflow an alias is moved back by MLflow itself."
        )
    quiet.import_tensorflow()
    from pipeline.steps.rollback import rollback

    return functools.partial(
        rollback,
        arguments.to,
        arguments.model_name,
        label=arguments.label,
        version=arguments.version,
        server=arguments.server,
    )


COMMAND = Command(
    "rollback",
    "give a label back to the version before",
    _resolve,
    add_arguments=_add_arguments,
)
