"""The step `train`: episodes to weights, by fit."""

import functools
import pathlib

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.one_at_a_time import one_at_a_time
from pipeline.experiment.prepared import check_splits, prepared_facts
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import (
    RunDir,
    find_run,
    open_run,
    run_digest,
    runs_of,
    training_fingerprint,
)
from pipeline.insight.training_log import look_inside
from pipeline.reports.insight.training_pictures import modulation_pictures
from pipeline.settings.registry import setting_of
from pipeline.training.fit import fit
from pipeline.training.trained import STEP


def train(config: Experiment, dataset_dir: pathlib.Path) -> RunDir:
    """Fits CMML, or goes on where a killed training was, or skips a finished one.

    A process that trains the same is waited for.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set, its factors fitted.

    Returns:
        The run, with the best weights by meta-validation.

    Raises:
        DataError: If the data set is incomplete, lacks factors, or has too few tasks.
        TrainingDivergedError: If the training comes to what is no finite number.
    """
    digest = prepared_facts(dataset_dir).fingerprint
    if run := _finished(config, digest):
        return run
    check_splits(dataset_dir)
    with one_at_a_time(STEP, runs_of(config) / run_digest(config, digest)):
        return _finished(config, digest) or _train(config, dataset_dir, digest)


def _finished(config: Experiment, digest: str) -> RunDir | None:
    run = find_run(config, digest)
    if run is None or not run.is_done(STEP, training_fingerprint(config, digest)):
        return None
    say(f"train: {run.path} is up to date")
    return open_run(config, digest)  # With the configuration as it is now.


def _train(config: Experiment, dataset_dir: pathlib.Path, digest: str) -> RunDir:
    run = open_run(config, digest)
    setting = setting_of(config)
    data = setting.load(config, dataset_dir)
    for sentence in setting.parts().check(config, data):
        say(f"train: {sentence}")
    model = setting.build(config, data, fit=True)
    watch = functools.partial(look_inside, config, data, modulation_pictures)
    facts = fit(model, config, data, run, watch=watch)
    run.record(STEP, training_fingerprint(config, digest), dataset=digest, **facts)
    return run
