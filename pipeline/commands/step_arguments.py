"""What the steps of the command line share: their arguments, and what these name."""

import argparse
import importlib
import pathlib
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from pipeline.experiment import quiet

if TYPE_CHECKING:
    from pipeline.experiment.config_section import Experiment

# Does the work; returns an exit status, or None for 0.
Step: TypeAlias = Callable[[], int | None]

# Checks the arguments, of which the last are unknown ones, and returns the step.
Check: TypeAlias = Callable[[argparse.Namespace, Sequence[str]], Step]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_step(
    commands: Commands,
    name: str,
    summary: str,
    check: Check,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    """Adds a step of an experiment, with its arguments."""
    step = commands.add_parser(name, help=summary, epilog=epilog, allow_abbrev=False)
    step.add_argument("--config", required=True, help="YAML file of the experiment")
    step.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change one key, for example model.dropout=0.1; may be repeated",
    )
    step.set_defaults(check=check)
    return step


def config_of(arguments: argparse.Namespace) -> "Experiment":
    """Loads the configuration."""
    from pipeline.settings.registry import load_experiment

    return load_experiment(arguments.config, arguments.set)


def module_of(config: "Experiment", step: str) -> types.ModuleType:
    """Imports the module of a step in the setting of an experiment."""
    folder = "pipeline.steps"
    if config.setting == "scenario":
        folder = "pipeline.steps.scenarios"
    return importlib.import_module(f"{folder}.{step}")


def dataset_of(
    arguments: argparse.Namespace, flags: Sequence[str]
) -> "tuple[Experiment, pathlib.Path]":
    """Loads the configuration and finds its prepared data set."""
    refuse(flags)
    config = config_of(arguments)
    dataset_dir = module_of(config, "prepare").open_dataset(config)
    quiet.import_tensorflow()
    return config, dataset_dir


def refuse(flags: Sequence[str]) -> None:
    """Refuses unknown arguments.

    Raises:
        ValueError: If there are any.
    """
    if flags:
        raise ValueError(f"unknown arguments: {' '.join(flags)}.")


def done(result: object) -> None:
    """Prints what a step leaves behind; that it returned is its success."""
    print(result)
