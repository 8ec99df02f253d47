"""The step `train`: episodes to weights, by fit."""

import functools
import pathlib
from typing import Any

from models.legacy_keras import tf
from models.replicas import is_chief, wait_for_chief
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
from pipeline.reports.insight.routes import modulation_pictures
from pipeline.settings.registry import setting_of
from pipeline.training.fit import fit
from pipeline.training.strategy import NONE, lost_workers_told, new_strategy
from pipeline.training.trained import STEP


def train(
    config: Experiment, dataset_dir: pathlib.Path, strategy_name: str = NONE
) -> RunDir:
    """Fits CMML, or goes on where a killed training was, or skips a finished one.

    A process that trains the same is waited for.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set, its factors fitted.
        strategy_name: Who trains, one of `STRATEGIES`. Of several workers, which all
            call this, the chief alone writes.

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
    strategy = new_strategy(strategy_name)
    with lost_workers_told():
        if not is_chief(strategy):
            return _follow(config, dataset_dir, digest, strategy)
        with one_at_a_time(STEP, runs_of(config) / run_digest(config, digest)):
            run = _finished(config, digest)
            return run or _train(config, dataset_dir, digest, strategy)


def _finished(config: Experiment, digest: str) -> RunDir | None:
    run = find_run(config, digest)
    if run is None or not run.is_done(STEP, training_fingerprint(config, digest)):
        return None
    say(f"train: {run.path} is up to date")
    return open_run(config, digest)  # With the configuration as it is now.


def _train(
    config: Experiment,
    dataset_dir: pathlib.Path,
    digest: str,
    strategy: tf.distribute.Strategy,
) -> RunDir:
    run = open_run(config, digest)
    wait_for_chief(strategy)
    facts = _fit(config, dataset_dir, run, strategy)
    run.record(STEP, training_fingerprint(config, digest), dataset=digest, **facts)
    return run


def _follow(
    config: Experiment,
    dataset_dir: pathlib.Path,
    digest: str,
    strategy: tf.distribute.Strategy,
) -> RunDir:
    """Trains as a worker that writes nothing."""
    wait_for_chief(strategy)
    run = find_run(config, digest)
    assert run is not None  # The chief has opened it.
    _fit(config, dataset_dir, run, strategy)
    return run


def _fit(
    config: Experiment,
    dataset_dir: pathlib.Path,
    run: RunDir,
    strategy: tf.distribute.Strategy,
) -> dict[str, Any]:
    setting = setting_of(config)
    data = setting.load(config, dataset_dir)
    for sentence in setting.parts.check(config, data):
        say(f"train: {sentence}")
    with strategy.scope():
        model = setting.build(config, data, fit=True)
    watch = functools.partial(look_inside, config, data, modulation_pictures)
    return fit(model, config, data, run, watch=watch)
