"""The command `predict`."""

import argparse
import functools
import pathlib

from pipeline.commands.command import (
    Command,
    Step,
    add_set,
    must_be_file,
    must_have_folder,
    refuse_changes,
    version_of,
)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", type=pathlib.Path, help="exported model directory")
    source.add_argument("--config", help="YAML file whose export is to be used")
    add_set(parser)
    parser.add_argument("--input", type=pathlib.Path, required=True, help="JSON lines")
    parser.add_argument("--output", type=pathlib.Path, help="JSON lines; else stdout")
    parser.add_argument("--top", type=int, default=10, help="items to recommend")
    parser.add_argument(
        "--max_unmatched",
        type=float,
        default=0.3,
        help="share of support pairs whose item the model may not know",
    )
    parser.add_argument("--text", action="store_true", help="print for people")


def _resolve(arguments: argparse.Namespace) -> Step:
    if arguments.top < 1:
        raise ValueError(f"--top must be at least 1, got {arguments.top}.")
    if not 0.0 <= arguments.max_unmatched <= 1.0:
        raise ValueError(
            f"--max_unmatched must be within [0, 1], got {arguments.max_unmatched}."
        )
    refuse_changes(arguments)
    must_be_file("--input", arguments.input)
    must_have_folder(arguments.output)
    version = version_of(arguments)
    from pipeline.steps import predict

    return functools.partial(
        predict.run,
        version,
        arguments.input,
        output_path=arguments.output,
        top=arguments.top,
        as_text=arguments.text,
        max_unmatched=arguments.max_unmatched,
    )


COMMAND = Command(
    "predict",
    "answer requests with an exported model",
    _resolve,
    add_arguments=_add_arguments,
)
