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
    dataset_of,
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
    if not arguments.task:
        raise ValueError(f"explain needs --task, {_some_tasks(arguments)}.")
    version = version_of(arguments)
    from pipeline.insight.task_requests import (
        Request,
        prepared_request,
        written_request,
    )
    from pipeline.steps.explain import explain

    if path is not None:
        request_of: Callable[[str], Request] = functools.partial(written_request, path)
    else:
        request_of = prepared_request(*dataset_of(arguments))
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


def _some_tasks(arguments: argparse.Namespace) -> str:
    """Names some tasks in words; neither a model nor TensorFlow is loaded for that."""
    from pipeline.insight.task_requests import prepared_tasks, written_tasks
    from pipeline.steps.prepare import open_dataset

    if arguments.input is not None:
        return written_tasks(arguments.input)
    config = config_of(arguments)
    return prepared_tasks(config, open_dataset(config))


COMMAND = Command(
    "explain",
    "what a recommendation owes to each support pair",
    _resolve,
    add_arguments=_add_arguments,
)
