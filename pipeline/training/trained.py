"""The model of a finished training."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

from pipeline.experiment.config_file import ConfigError, hash_of
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.prepared import directory_of, is_complete, prepared_facts
from pipeline.experiment.run_dir import (
    RESOLVED_CONFIG,
    RunDir,
    finished_run,
    runs_of,
    training_fingerprint,
)
from pipeline.settings.registry import load_experiment, setting_of

if TYPE_CHECKING:
    from models.cmml import CMML
    from pipeline.settings.setting import Data

STEP = "train"
REFIT = "refit"


def open_trained(config: Experiment, dataset_dir: pathlib.Path) -> RunDir:
    """Finds the run of a finished training.

    Raises:
        DataError: If the training is not finished.
    """
    return finished_run(config, prepared_facts(dataset_dir).fingerprint, STEP)


def trained_on(config: Experiment) -> pathlib.Path | None:
    """Finds the data set that a configuration was last trained on, by its runs alone.

    The raw tables need not be there any more.

    Returns:
        None if there is none that is whole.
    """
    runs = [RunDir(path) for path in runs_of(config).glob("*/")]
    done = [facts for run in runs if is_of(config, run) and (facts := run.facts(STEP))]
    for facts in sorted(done, key=lambda facts: facts["finished"], reverse=True):
        dataset_dir = directory_of(config, facts["dataset"])
        if is_complete(dataset_dir):
            return dataset_dir
    return None


def is_of(config: Any, run: RunDir) -> bool:
    """Whether a run is of a configuration: of its data, and with its weights."""
    try:
        other: Any = load_experiment(run.path / RESOLVED_CONFIG)
    except ConfigError:  # Of an earlier version, which knew other keys.
        return False
    is_same: bool = other.data == config.data
    return is_same and other.weight_sections == config.weight_sections


def refit_fingerprint(config: Experiment, dataset_fingerprint: str, run: RunDir) -> str:
    """Hashes everything that decides the weights of a refit."""
    trained = training_fingerprint(config, dataset_fingerprint)
    return hash_of(trained, run.facts(STEP)["best_epoch"])


def finished_refit(config: Any, dataset_fingerprint: str, run: RunDir) -> RunDir | None:
    """Finds the finished refit of a run.

    Args:
        config: The experiment.
        dataset_fingerprint: Of the prepared data set.
        run: The run of a finished training.

    Returns:
        None if there is none, or the configuration does not want one.
    """
    fingerprint = refit_fingerprint(config, dataset_fingerprint, run)
    is_there = run.refit.is_done(REFIT, fingerprint)  # So that it can be refitted.
    return run.refit if is_there and config.training.refit == "all" else None


def wants_refit(config: Any) -> bool:
    """Whether what is exported is to be trained on all pairs."""
    can_be = setting_of(config).parts.whole is not None
    return can_be and config.training.refit == "all"


def whole_data(config: Any, data: Data, refit: RunDir) -> Data:
    """Returns the data set with all pairs for training, as a refit takes it.

    Args:
        config: The experiment, which wants a refit.
        data: The data set.
        refit: Where what has to be fitted beforehand is kept.
    """
    whole = setting_of(config).parts.whole
    assert whole is not None  # Of a setting that can be refitted.
    return whole(config, data, refit.path)


def trained_model(config: Experiment, data: Data, run: RunDir) -> CMML:
    """Builds the model of a finished training, with its best weights."""
    from models.resumable_training import restore_best

    model = setting_of(config).build(config, data, fit=False)
    restore_best(model, run.path)
    return model
