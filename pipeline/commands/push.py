"""The command `push`."""

import argparse
import functools
import pathlib

from pipeline.commands.command import (
    Command,
    Step,
    dataset_of,
    version_of,
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=pathlib.Path, help="default: the newest export")
    parser.add_argument("--to", type=pathlib.Path, required=True, help="base of models")
    parser.add_argument("--label", default="stable", help="stable or canary")
    parser.add_argument("--keep", type=int, help="versions to keep; default push.keep")
    parser.add_argument("--server", metavar="HOST:PORT", help="a server to be notified")


def _resolve(arguments: argparse.Namespace) -> Step:
    if arguments.keep is not None and arguments.keep < 1:
        raise ValueError(f"--keep must be at least 1, got {arguments.keep}.")
    config, dataset_dir = dataset_of(arguments)
    from pipeline.steps import push

    options = config.push
    if arguments.keep is not None:
        options = options.model_copy(update={"keep": arguments.keep})
    destination = push.Destination(arguments.to, arguments.label, arguments.server)
    push.validate(config, options, destination)
    version = version_of(arguments)
    return functools.partial(
        push.push, config, dataset_dir, options, version, destination
    )


COMMAND = Command(
    "push",
    "publish a model that is fit to serve",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
