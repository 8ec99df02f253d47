"""A training that is killed, or that helps nothing."""

import json

import numpy as np
import pytest

from models.legacy_keras import tf
from models.resumable_training import ResumableTraining
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.steps.refit import refit
from pipeline.steps.train import train
from pipeline.training.fit import num_parameters
from pipeline.training.trained import trained_model, whole_data

TIMES = ("tasks_per_s", "epoch_s")  # Another time they are others.


def test_weights_that_are_trained_are_counted():
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=[3])])
    model.add(tf.keras.layers.Dense(5, trainable=False))
    assert num_parameters(model) == 3 * 2 + 2


def test_where_no_epoch_helps_the_start_is_kept_and_refitted(
    scenario_experiment, tmp_path, capsys
):
    changes = ["training.learning_rate=1.0e-30", "training.refit=all"]
    config = load_experiment(
        scenario_experiment.config_path, [f"runs_dir={tmp_path}", *changes]
    )
    run = train(config, scenario_experiment.dataset_dir)
    assert "no epoch was better by enough" in capsys.readouterr().err
    facts = run.facts("train")
    assert facts["best_epoch"] == 0 < facts["epochs"]
    again = refit(config, scenario_experiment.dataset_dir, run)
    assert again.facts("refit")["epochs"] == 0
    data = setting_of(config).load(config, scenario_experiment.dataset_dir)
    whole = whole_data(config, data, again)
    started = setting_of(config).build(config, whole, fit=False).weights
    kept = trained_model(config, whole, again).weights
    for weight, initial in zip(kept, started, strict=True):
        np.testing.assert_array_equal(weight, initial)


@pytest.mark.parametrize("method", ["keep_start", "on_epoch_end"])
def test_a_killed_training_ends_as_if_it_had_not_been(
    scenario_experiment, tmp_path, method
):
    path, dataset_dir = scenario_experiment.config_path, scenario_experiment.dataset_dir
    changes = [f"runs_dir={tmp_path}", "tensorboard.insight_every=0"]
    config = load_experiment(path, changes)

    class KilledError(Exception):
        pass

    original = getattr(ResumableTraining, method)

    def kill(self, *arguments):
        original(self, *arguments)
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ResumableTraining, method, kill)
        with pytest.raises(KilledError):
            train(config, dataset_dir)
    resumed = train(config, dataset_dir)

    def lines(run_dir):
        text = (run_dir / "metrics.jsonl").read_text()
        return [
            {k: v for k, v in json.loads(line).items() if k not in TIMES}
            for line in text.splitlines()
        ]

    assert lines(resumed.path) == lines(scenario_experiment.run_dir)
