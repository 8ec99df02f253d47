"""The settings by name: the one place that tells them apart."""

import pathlib
import types
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.experiment.config_file import load_experiment_of
from pipeline.experiment.config_section import Experiment
from pipeline.settings.scenario.setting import ScenarioSetting
from pipeline.settings.setting import Setting
from pipeline.settings.user.setting import UserSetting

SETTINGS: dict[str, Setting] = {"user": UserSetting(), "scenario": ScenarioSetting()}


def setting_of(config: Experiment) -> Setting:
    """Returns the setting of an experiment."""
    return SETTINGS[config.setting]


def load_experiment(
    path: str | pathlib.Path,
    overrides: Sequence[str] = (),
    changes: Mapping[str, Any] = types.MappingProxyType({}),
) -> Experiment:
    """Reads the YAML file of an experiment of any setting; see `load_experiment_of`."""
    kinds = {name: setting.config for name, setting in SETTINGS.items()}
    return load_experiment_of(kinds, path, overrides, changes)
