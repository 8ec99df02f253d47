"""The command `explain`."""

import argparse
import functools
import pathlib
from collections.abc import Callable

from pipeline.commands.command import (
    Command,
    Step,
    add_set,
    config_of,
    must_be_file,
    refuse_changes,
    version_of,
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", help="YAML file whose export and prepared tasks are taken"
    )
    add_set(parser)
    parser.add_argument(
        "--model", type=pathlib.Path, help="exported model; default: that of --config"
    )
    parser.add_argument(
        "--task",
        nargs="+",
        default=[],
        metavar="ID",
        help="whose recommendations; more than one make a group; none: names some",
    )
    parser.add_argument(
        "--against",
        nargs="+",
        default=[],
        metavar="ID",
        help="a task or group to compare the modulation with",
    )
    parser.add_argument(
        "--input",
        type=pathlib.Path,
        help="JSON lines, as of `predict`, that hold the tasks; else those of --config",
    )
    parser.add_argument(
        "--top", type=int, default=10, help="items explained; default %(default)s"
    )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=pathlib.Path("explain"),
        help="folder of the page; default %(default)s",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    path = arguments.input
    if arguments.config is None and (arguments.model is None or path is None):
        raise ValueError("explain needs --config, or --model and --input.")
    refuse_changes(arguments)
    if path is not None:
        must_be_file("--input", path)
    if not 1 <= arguments.top <= 128:
        raise ValueError(f"--top must be within [1, 128], got {arguments.top}.")
    version = version_of(arguments)
    from pipeline.insight.task_requests import (
        Request,
        prepared_request,
        prepared_tasks,
        written_request,
        written_tasks,
    )
    from pipeline.steps.explain import explain
    from pipeline.steps.prepare import open_dataset

    if path is not None:
        request_of: Callable[[str], Request] = functools.partial(written_request, path)
        some = functools.partial(written_tasks, path)
    else:
        config = config_of(arguments)
        dataset_dir = open_dataset(config)
        request_of = prepared_request(config, dataset_dir)
        some = functools.partial(prepared_tasks, config, dataset_dir)
    if not arguments.task:
        raise ValueError(f"explain needs --task, {some()}.")
    return functools.partial(
        explain,
        version,
        request_of,
        tasks=arguments.task,
        against=arguments.against,
        top=arguments.top,
        folder=arguments.output,
        command=arguments.typed,
    )


COMMAND = Command(
    "explain",
    "what a recommendation owes to each support pair",
    _resolve,
    add_arguments=_add_arguments,
)
