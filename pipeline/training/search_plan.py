"""A search as the command line asks for it: experiment, space and folder."""

import dataclasses
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from models.options import MODEL_VERSION
from pipeline.experiment.config_file import (
    ConfigError,
    hash_of,
    read_yaml,
    validated,
    with_changes,
)
from pipeline.settings.registry import load_experiment
from transforms.schema import DataError
from tuning.grid import grid_points
from tuning.space import EPOCHS_KEY, Space


@dataclasses.dataclass(frozen=True)
class SearchPlan:
    """What is to be searched.

    Attributes:
        config: The experiment, with what every trial changes.
        space: The space; its `set` lacks what was changed by hand.
        algorithm: How trials are chosen.
        full_epochs: `training.max_epochs` of the experiment itself.
    """

    config: Any
    space: Space
    algorithm: str
    full_epochs: int

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of each trial: that of the experiment, and those after it."""
        first = self.config.training.seed
        return tuple(range(first, first + self.space.seeds))

    @property
    def own(self) -> dict[str, Any]:
        """Values of the searched keys that the experiment has itself."""
        config = self.config.model_dump(mode="json")
        keys = (key.partition(".") for key in self.space.keys)
        return self.space.values_of(
            {f"{section}.{name}": config[section][name] for section, _, name in keys}
        )

    def folder(self, dataset_fingerprint: str) -> pathlib.Path:
        """Names the folder of the search, which changes with all that decides it."""
        decides = self.space.model_dump(mode="json", exclude={"keep_checkpoints"})
        digest = hash_of(
            MODEL_VERSION,
            dataset_fingerprint,
            self.config.weight_sections,
            decides,
            self.algorithm,
        )
        name = f"{self.space.name}-{self.algorithm}-{digest[:8]}"
        return pathlib.Path(self.config.runs_dir, self.config.name, "tuning", name)

    def refusal(self, values: Mapping[str, Any]) -> str:
        """Says why the configuration refuses values; "" if it does not."""
        try:
            with_changes(self.config, values)
        except ConfigError as error:
            return str(error).removeprefix(f"{self.config.name}: ")
        return ""


def load_plan(
    config_path: str | pathlib.Path,
    overrides: Sequence[str],
    space_path: str | pathlib.Path,
    algorithm: str,
) -> SearchPlan:
    """Reads experiment and space, and makes sure that they go together.

    Args:
        config_path: YAML file of the experiment.
        overrides: Changes of the experiment as typed; they win over `set` of the space
            and must not touch what trials differ in.
        space_path: YAML file of the space.
        algorithm: How trials are chosen.

    Raises:
        ConfigError: If a file is not what it should be, or a key is searched that there
            is not, that is changed by hand, or that the algorithm sets.
    """
    space = validated(read_yaml(space_path), Space, space_path)
    typed = {text.partition("=")[0] for text in overrides}
    if searched := sorted(typed & space.keys.keys()):
        raise ConfigError(
            f"trials differ in {searched[0]!r}: change it in {space_path}, not by "
            "--set."
        )
    if algorithm == "hyperband" and EPOCHS_KEY in space.keys:
        raise ConfigError(
            f"{space_path}: hyperband itself chooses {EPOCHS_KEY!r}: leave it out of "
            "the keys."
        )
    if algorithm == "grid":
        try:
            grid_points(space)
        except DataError as error:
            raise ConfigError(f"{space_path}: {error}") from None
    of_all = {key: value for key, value in space.set.items() if key not in typed}
    own: Any = load_experiment(
        config_path, overrides
    )  # Its faults are not the space's.
    config = load_experiment(config_path, overrides, of_all)
    plan = SearchPlan(
        config,
        space.model_copy(update={"set": of_all}),
        algorithm,
        own.training.max_epochs,
    )
    for key, domain in space.keys.items():
        section, _, name = key.partition(".")
        if not hasattr(getattr(config, section), name):
            value = (domain.values or (domain.min,))[0]
            raise ConfigError(f"{space_path}: {plan.refusal({key: value})}")
    return plan


def check_budget(
    algorithm: str, max_trials: int | None, max_hours: float | None
) -> None:
    """Makes sure that a search comes to an end.

    Raises:
        ValueError: If a limit is out of range, or one is needed and missing.
    """
    if max_trials is not None and max_trials < 1:
        raise ValueError(f"--max_trials must be at least 1, got {max_trials}.")
    if max_hours is not None and not (math.isfinite(max_hours) and max_hours > 0.0):
        raise ValueError(f"--max_hours must be above 0, got {max_hours:g}.")
    is_endless = algorithm in ("random", "bayesian")
    if is_endless and max_trials is None and max_hours is None:
        raise ValueError(f"{algorithm} search needs --max_trials or --max_hours.")
