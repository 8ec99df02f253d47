"""The step `pretrain`: factors that a training stands on, fitted beforehand."""

import pathlib

from pipeline.experiment.config_section import Experiment
from pipeline.settings.registry import setting_of


def validate(config: Experiment) -> None:
    """Refuses a setting whose training fits all that it needs.

    Raises:
        ValueError: If there is nothing to fit beforehand.
    """
    if setting_of(config).parts.pretrain is None:
        raise ValueError(
            "pretrain goes with setting 'scenario' only, "
            f"got {config.setting!r}, where `train` fits the factors it needs."
        )


def pretrain(config: Experiment, dataset_dir: pathlib.Path) -> pathlib.Path | None:
    """Fits factors, unless that has been done.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        Their directory; None if the setting has nothing to fit beforehand.

    Raises:
        DataError: If there is no meta-validation task to choose by, or no finite
            factors come of it.
    """
    fit = setting_of(config).parts.pretrain
    return None if fit is None else fit(config, dataset_dir)
