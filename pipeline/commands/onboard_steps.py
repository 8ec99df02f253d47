"""The step of the command line that judges a model for new users or a new scenario."""

import argparse
import functools
import pathlib
from collections.abc import Sequence

from pipeline.commands.step_arguments import (
    Commands,
    Step,
    config_of,
    module_of,
    refuse,
)
from pipeline.experiment import quiet

_FOLDER = pathlib.Path("onboard")


def add_onboard_steps(commands: Commands) -> None:
    """Adds `onboard`."""
    onboard = commands.add_parser(
        "onboard",
        help="judge a model by the first interactions of new users or a new scenario",
        epilog="Exit status: 0 go, 3 no-go.",
        allow_abbrev=False,
    )
    source = onboard.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--users",
        type=pathlib.Path,
        metavar="CSV",
        help="user_id,item_id,label of new users",
    )
    source.add_argument(
        "--scenario",
        type=pathlib.Path,
        metavar="CSV",
        help="user_id,item_id,label (0 or 1) of one new scenario",
    )
    onboard.add_argument(
        "--model", type=pathlib.Path, help="default: the newest export of --config"
    )
    onboard.add_argument(
        "--config",
        help="YAML file the model was made by, for what is known of other tasks",
    )
    onboard.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="as given when it was trained",
    )
    onboard.add_argument(
        "--output",
        type=pathlib.Path,
        help=f"folder of the results; default {_FOLDER}/<name of the CSV file>",
    )
    onboard.set_defaults(check=_onboard)


def _onboard(arguments: argparse.Namespace, flags: Sequence[str]) -> Step:
    refuse(flags)
    setting = "user" if arguments.users else "scenario"
    path = arguments.users or arguments.scenario
    if not path.is_file():
        flag = "--users" if arguments.users else "--scenario"
        raise ValueError(f"{flag} must be a file, got {str(path)!r}.")
    if arguments.config is None and arguments.model is None:
        raise ValueError("onboard needs --model, --config or both, got neither.")
    if arguments.config is None and arguments.set:
        raise ValueError(f"--set goes with --config, got {arguments.set} without it.")
    dataset_dir = None
    if arguments.config is not None:
        config = config_of(arguments)
        dataset_dir = module_of(config, "prepare").open_dataset(config)
    if arguments.model is None:
        from pipeline.experiment.run_dir import newest_export

        arguments.model = newest_export(config)
    quiet.import_tensorflow()
    from pipeline.export.version_dir import newest_version
    from pipeline.steps.onboard import onboard

    return functools.partial(
        onboard,
        newest_version(arguments.model),
        setting=setting,
        path=path,
        dataset_dir=dataset_dir,
        output=arguments.output or _FOLDER / path.stem,
    )
