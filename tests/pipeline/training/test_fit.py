"""A training that is killed, or that helps nothing."""

import functools
import json
import types

import numpy as np
import pytest

from models.evaluation.metric import Metric, NotFiniteError
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.resumable_training import ResumableTraining, TrainingDivergedError
from pipeline.settings.registry import load_experiment, setting_of
from pipeline.steps.refit import refit
from pipeline.steps.train import train
from pipeline.training.fit import JudgeMetaValidation, num_parameters
from pipeline.training.trained import trained_model, whole_data

TIMES = ("tasks_per_s", "epoch_s")  # Another time they are others.

VALIDATION = Shown("validation", "meta_validation", 4, 4)


def test_weights_that_are_trained_are_counted():
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=[3])])
    model.add(tf.keras.layers.Dense(5, trainable=False))
    assert num_parameters(model) == 3 * 2 + 2


def test_where_no_epoch_helps_the_start_is_kept_and_refitted(
    scenario_experiment, tmp_path, capsys
):
    changes = ["training.learning_rate=1.0e-30", "training.refit=all"]
    changes += [f"runs_dir={tmp_path}", "tensorboard.insight_every=0"]
    config = load_experiment(scenario_experiment.config_path, changes)
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


@pytest.fixture
def judge_of(tmp_path):
    """Makes the callback of a setting whose metrics come from a function."""
    return functools.partial(new_judge, tmp_path)


def new_judge(run_dir, by_task, *, start_errors=0.0, few_sizes=()):
    setting = types.SimpleNamespace(metrics=[Metric("mae")], by_task=by_task)
    plan = types.SimpleNamespace(
        validation=VALIDATION,
        chosen_by=Metric("mae"),
        few_sizes=few_sizes,
        start_errors=start_errors,
    )
    judge = JudgeMetaValidation(setting, lambda shown: shown, plan, run_dir)
    judge.set_model(tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=[1])]))
    return judge


def test_an_epoch_is_judged_by_means_over_tasks_with_a_value(judge_of):
    asked = []

    def by_task(pairs):
        asked.append(pairs)
        undefined = np.array([np.nan, np.nan, np.nan])
        return {"mae": np.array([1.0, np.nan, 3.0]), "mrr": undefined}

    logs = {"loss": 0.1}
    judge_of(by_task).on_epoch_end(0, logs)
    assert logs == {"loss": 0.1, "val_mae": 2.0}  # No task has the other one.
    assert asked == [VALIDATION]


def test_an_epoch_is_judged_by_means_over_sizes_of_support_sets(judge_of):
    by_size = {VALIDATION.size: [1.0, np.nan, 3.0], 1: [5.0, 4.0, 1.0]}

    def by_task(pairs):
        return {"mae": np.array(by_size[pairs.size])}

    judge = judge_of(by_task, few_sizes=(1,), start_errors=1.0)
    assert judge.judge(judge.model, 0) == {"val_mae": 2.5}
    by_size[1] = [2.0, 4.0, 2.0]
    logs = judge.judge(judge.model, 1)  # Of the two tasks -1.5 and +0.5.
    assert logs == {"val_mae": 2.0, "val_mae_margin": pytest.approx(1.0)}


def test_scores_without_metrics_end_a_training(judge_of):
    def by_task(pairs):
        raise NotFiniteError("scores must be finite")

    with pytest.raises(TrainingDivergedError, match="after epoch 3: scores must be"):
        judge_of(by_task).on_epoch_end(2, {})


def test_the_margin_is_the_standard_error_of_the_difference_to_the_start(judge_of):
    values = {"mae": np.array([1.0, np.nan, 3.0, 5.0])}
    judge = judge_of(lambda pairs: values, start_errors=2.0)
    assert judge.judge(judge.model, 0) == {"val_mae": 3.0}
    values["mae"] = np.array([1.5, 7.0, 3.0, 4.0])
    resumed = judge_of(lambda pairs: values, start_errors=2.0)
    margin = resumed.judge(resumed.model, 1)["val_mae_margin"]
    expected = 2.0 * np.std([0.5, 0.0, -1.0], ddof=1) / 3**0.5
    assert margin == pytest.approx(expected)
