"""The model of a finished training."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.prepared import prepared_facts
from pipeline.experiment.run_dir import RunDir, finished_run
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data

if TYPE_CHECKING:
    from models.cmml import CMML

STEP = "train"


def open_trained(config: Experiment, dataset_dir: pathlib.Path) -> RunDir:
    """Finds the run of a finished training.

    Raises:
        DataError: If the training is not finished.
    """
    return finished_run(config, prepared_facts(dataset_dir).fingerprint, STEP)


def trained_model(config: Experiment, data: Data, run: RunDir) -> CMML:
    """Builds the model of a finished training, with its best weights."""
    from models.resumable_training import restore_best

    model = setting_of(config).build(config, data, fit=False)
    restore_best(model, run.path)
    return model
