"""The step `train`: episodes to weights, by fit."""

import functools
import pathlib

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.prepared import check_splits, prepared_facts
from pipeline.experiment.progress import say
from pipeline.experiment.run_dir import RunDir, open_run, training_fingerprint
from pipeline.insight.training_log import look_inside
from pipeline.reports.insight.training_pictures import modulation_pictures
from pipeline.settings.registry import setting_of
from pipeline.training.fit import fit
from pipeline.training.trained import STEP


def train(config: Experiment, dataset_dir: pathlib.Path) -> RunDir:
    """Fits CMML, or goes on where a killed training was, or skips a finished one.

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
    run = open_run(config, digest)
    fingerprint = training_fingerprint(config, digest)
    if run.is_done(STEP, fingerprint):
        say(f"train: {run.path} is up to date")
        return run
    check_splits(dataset_dir)
    setting = setting_of(config)
    data = setting.load(config, dataset_dir)
    for sentence in setting.parts().check(config, data):
        say(f"train: {sentence}")
    model = setting.build(config, data, fit=True)
    watch = functools.partial(look_inside, config, data, modulation_pictures)
    facts = fit(model, config, data, run, watch=watch)
    run.record(STEP, fingerprint, dataset=digest, **facts)
    return run
