"""The command `insight`."""

import argparse
import pathlib

from pipeline.commands.command import Command, Step, done, trained_of


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--split",
        choices=("all", "meta_train", "meta_validation", "meta_test"),
        default="all",
        help="whose contexts; default %(default)s",
    )
    parser.add_argument(
        "--max_tasks",
        type=int,
        default=6000,
        help="contexts, at most; default %(default)s",
    )
    parser.add_argument(
        "--groups", type=pathlib.Path, help="YAML file that joins labels to groups"
    )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        help="folder of the page; default: insight/ of the run",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    if arguments.max_tasks < 2:
        raise ValueError(f"--max_tasks must be at least 2, got {arguments.max_tasks}.")
    config, dataset_dir, run = trained_of(arguments)
    from pipeline.insight.groups import load_groups
    from pipeline.steps.insight import map_contexts

    groups = load_groups(arguments.groups) if arguments.groups else None
    return lambda: done(
        map_contexts(
            config,
            dataset_dir,
            run,
            split=arguments.split,
            max_tasks=arguments.max_tasks,
            groups=groups,
            output=arguments.output,
        )
    )


COMMAND = Command(
    "insight",
    "a map of the contexts of tasks, and how they cluster",
    _resolve,
    add_arguments=_add_arguments,
    needs_config=True,
)
