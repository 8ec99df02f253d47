import functools
import types

import numpy as np
import pytest

from models.evaluation.errors import NotFiniteError
from models.evaluation.metric import Metric
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.resumable_training import TrainingDivergedError
from pipeline.training.meta_validation import JudgeMetaValidation

VALIDATION = Shown("validation", "meta_validation", 4, 4)


@pytest.fixture
def judge_of(tmp_path):
    """Makes the callback of a setting whose metrics come from a function."""
    return functools.partial(new_judge, tmp_path)


def new_judge(run_dir, by_task, *, start_errors=0.0):
    setting = types.SimpleNamespace(metrics=[Metric("mae")], by_task=by_task)
    plan = types.SimpleNamespace(
        validation=VALIDATION, chosen_by=Metric("mae"), start_errors=start_errors
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
