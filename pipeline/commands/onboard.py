"""The command `onboard`."""

import argparse
import functools
import pathlib

from pipeline.commands.command import (
    Command,
    Step,
    add_set,
    config_of,
    must_be_file,
    refuse_changes,
    version_of,
)

_FOLDER = pathlib.Path("onboard")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--users",
        type=pathlib.Path,
        metavar="FILE",
        help="ratings of new users, CSV or Parquet: the columns of --config, or "
        "user_id,item_id,label",
    )
    source.add_argument(
        "--scenario",
        type=pathlib.Path,
        metavar="FILE",
        help="clicks of one new scenario, CSV or Parquet: the columns of --config, or "
        "user_id,item_id,label (0 or 1)",
    )
    parser.add_argument(
        "--model", type=pathlib.Path, help="default: the export of --config"
    )
    parser.add_argument(
        "--config",
        help="YAML file the model was made by, for what is known of other tasks",
    )
    add_set(parser)
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        help=f"folder of the results; default {_FOLDER}/<name of the file>",
    )


def _resolve(arguments: argparse.Namespace) -> Step:
    path = arguments.users or arguments.scenario
    must_be_file("--users" if arguments.users else "--scenario", path)
    if arguments.config is None and arguments.model is None:
        raise ValueError("onboard needs --model, --config or both, got neither.")
    refuse_changes(arguments)
    config = dataset_dir = None
    if arguments.config is not None:
        from pipeline.steps.prepare import open_dataset

        config = config_of(arguments)
        dataset_dir = open_dataset(config)
    version = version_of(arguments)
    from pipeline.onboarding.new_scenario import NEW_SCENARIO
    from pipeline.onboarding.new_users import NEW_USERS
    from pipeline.steps.onboard import onboard

    tasks = NEW_USERS if arguments.users else NEW_SCENARIO
    is_alike = config is not None and config.setting == tasks.setting
    return functools.partial(
        onboard,
        version,
        tasks=tasks,
        path=path,
        dataset_dir=dataset_dir,
        own=tasks.own_table(config) if is_alike else None,
        output=arguments.output or _FOLDER / path.stem,
    )


COMMAND = Command(
    "onboard",
    "judge a model by the first interactions of new users or a new scenario",
    _resolve,
    add_arguments=_add_arguments,
    epilog="Exit status: 0 go, 3 no-go.",
)
