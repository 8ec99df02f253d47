"""The step `refit`: the chosen training once more, on all pairs, to be exported."""

import pathlib
from typing import Any

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.prepared import prepared_facts
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir
from pipeline.settings.registry import setting_of
from pipeline.training.fit import fit_again
from pipeline.training.trained import (
    REFIT,
    STEP,
    refit_fingerprint,
    wants_refit,
    whole_data,
)
from transforms.plural import counted


def validate(config: Any) -> None:
    """Refuses a configuration whose export is not to be trained on all pairs.

    Raises:
        ValueError: If its key says so, or its setting has no way to.
    """
    if not wants_refit(config):
        raise ValueError(
            "refit needs training.refit 'all' and a setting that can be refitted, got "
            f"{config.training.refit!r} and setting {config.setting!r}."
        )


def refit(config: Experiment, dataset_dir: pathlib.Path, run: RunDir) -> RunDir:
    """Trains on all pairs, goes on where a killed refit was, or skips a finished one.

    Keys are those of the run, and the number of epochs is the one that meta-validation
    chose there: nothing is left to judge by. No step but `export` reads what is made.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training; `refit/` is written there.

    Returns:
        The refit, with its weights.

    Raises:
        TrainingDivergedError: If the training comes to what is no finite number.
    """
    digest = prepared_facts(dataset_dir).fingerprint
    fingerprint = refit_fingerprint(config, digest, run)
    again = run.refit
    if again.is_done(REFIT, fingerprint):
        say(f"refit: {again.path} is up to date")
        return again
    with one_at_a_time(REFIT, again.path):
        if not again.is_done(REFIT, fingerprint):
            _refit(config, dataset_dir, run, fingerprint)
    return again


def _refit(
    config: Experiment, dataset_dir: pathlib.Path, run: RunDir, fingerprint: str
) -> None:
    again, digest = run.refit, prepared_facts(dataset_dir).fingerprint
    again.path.mkdir(exist_ok=True)
    setting = setting_of(config)
    data = whole_data(config, setting.load(config, dataset_dir), again)
    num_epochs = run.facts(STEP)["best_epoch"]
    epochs = counted(num_epochs, "epoch")
    say(f"refit: training on all pairs, {epochs} as meta-validation chose")
    fit_again(setting.build(config, data, fit=True), config, data, again, num_epochs)
    again.record(REFIT, fingerprint, dataset=digest, epochs=num_epochs)
