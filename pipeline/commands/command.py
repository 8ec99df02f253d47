"""What a command of the command line is, and what commands share."""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.experiment import quiet

if TYPE_CHECKING:
    from pipeline.experiment.config_section import Experiment
    from pipeline.experiment.run_dir import RunDir

# Does the work; returns an exit status, or None for 0.
Step: TypeAlias = Callable[[], int | None]

# Checks the arguments and returns the step.
Resolve: TypeAlias = Callable[[argparse.Namespace], Step]

_TO_BEAM = "Any other --flag goes to Beam, for example --runner=FlinkRunner."

MODEL = "a version, or the folder of the versions of a model"


@dataclasses.dataclass(frozen=True)
class Command:
    """A command: `cmml <name> ...`.

    Attributes:
        name: Its name.
        summary: What it does, for the list of commands.
        resolve: Makes its step of the arguments; imports what the step needs.
        add_arguments: Adds its arguments.
        needs_config: Whether it is a step of an experiment, with `--config` and `--set`
            as every one has them.
        takes_beam_flags: Whether flags that it does not know are for Beam, as
            `beam_flags`; elsewhere they are refused.
        epilog: What its help ends with.
    """

    name: str
    summary: str
    resolve: Resolve
    add_arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    needs_config: bool = False
    takes_beam_flags: bool = False
    epilog: str | None = None

    def add_to(self, commands: Any) -> None:
        """Adds the command to the sub-parsers of the command line."""
        parser = commands.add_parser(
            self.name,
            help=self.summary,
            epilog=_TO_BEAM if self.takes_beam_flags else self.epilog,
            allow_abbrev=False,
        )
        if self.needs_config:
            parser.add_argument(
                "--config", required=True, help="YAML file of the experiment"
            )
            example = "training.learning_rate=0.001"
            add_set(parser, f"change one key, for example {example}; may be repeated")
        self.add_arguments(parser)
        parser.set_defaults(
            resolve=self.resolve, takes_beam_flags=self.takes_beam_flags
        )


def add_set(
    parser: argparse.ArgumentParser, text: str = "as set when it was trained"
) -> None:
    """Adds the argument that changes keys of the configuration."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help=text
    )


def config_of(arguments: argparse.Namespace) -> Experiment:
    """Loads the configuration."""
    from pipeline.settings.registry import load_experiment

    return load_experiment(arguments.config, arguments.set)


def dataset_of(arguments: argparse.Namespace) -> tuple[Experiment, pathlib.Path]:
    """Loads the configuration and finds its prepared data set."""
    config = config_of(arguments)
    from pipeline.steps.prepare import open_dataset

    dataset_dir = open_dataset(config)
    quiet.import_tensorflow()
    return config, dataset_dir


def trained_of(
    arguments: argparse.Namespace,
) -> tuple[Experiment, pathlib.Path, RunDir]:
    """Loads the configuration, and finds its data set and its finished training."""
    config, dataset_dir = dataset_of(arguments)
    from pipeline.training.trained import open_trained

    return config, dataset_dir, open_trained(config, dataset_dir)


def refuse_changes(arguments: argparse.Namespace) -> None:
    """Refuses `--set` where no configuration is named.

    Raises:
        ValueError: If there are changes and no `--config`.
    """
    if arguments.config is None and arguments.set:
        raise ValueError(f"--set goes with --config, got {arguments.set} without it.")


def must_be_file(flag: str, path: pathlib.Path) -> None:
    """Makes sure that a file is there.

    Raises:
        ValueError: If it is not; it names the flag.
    """
    if not path.is_file():
        raise ValueError(f"{flag} must be a file, got {str(path)!r}.")


def must_have_folder(output: pathlib.Path | None) -> None:
    """Makes sure that the folder of `--output` is there.

    Raises:
        ValueError: If it is not.
    """
    if output is not None and not output.parent.is_dir():
        raise ValueError(
            f"--output must be in a folder that exists, got {str(output)!r}."
        )


def version_of(arguments: argparse.Namespace) -> pathlib.Path:
    """Finds the version of `--model`, or else the export of `--config`."""
    from pipeline.experiment.version_dir import newest_version

    model = arguments.model
    if model is None:
        from pipeline.export.export_of_config import export_of_config

        model = export_of_config(config_of(arguments))
    version = newest_version(model)
    quiet.import_tensorflow()
    return version


def done(result: object) -> None:
    """Prints what a step leaves behind; that it returned is its success."""
    print(result)


def prefer_single_requests() -> None:
    """Leaves oneDNN out, whose products start slowly: those of one request are small.

    Counts if TensorFlow has not been imported yet, and for the stock server too.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
