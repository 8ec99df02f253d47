"""The settings by name: the one place that tells them apart."""

import pathlib
import types
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.experiment.config_file import load_experiment_of
from pipeline.experiment.config_section import Experiment
from pipeline.settings.scenario.experiment import ScenarioExperiment
from pipeline.settings.setting import Setting
from pipeline.settings.user.experiment import UserExperiment

# The class of its experiments, which has all that is known without TensorFlow.
SETTINGS: dict[str, type[Experiment]] = {
    "user": UserExperiment,
    "scenario": ScenarioExperiment,
}


def setting_of(config: Experiment) -> Setting:
    """Returns the setting of an experiment, which needs TensorFlow."""
    setting: Setting = config.functions()
    return setting


def load_experiment(
    path: str | pathlib.Path,
    overrides: Sequence[str] = (),
    changes: Mapping[str, Any] = types.MappingProxyType({}),
) -> Experiment:
    """Reads the YAML file of an experiment of any setting; see `load_experiment_of`."""
    return load_experiment_of(SETTINGS, path, overrides, changes)
