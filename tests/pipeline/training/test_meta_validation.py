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


def judge_of(by_task):
    """Makes the callback of a setting whose metrics come from a function."""
    setting = types.SimpleNamespace(metrics=[Metric("mae")], by_task=by_task)
    judge = JudgeMetaValidation(setting, lambda shown: shown, VALIDATION)
    judge.set_model(tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=[1])]))
    return judge


def test_an_epoch_is_judged_by_means_over_tasks_with_a_value():
    asked = []

    def by_task(pairs):
        asked.append(pairs)
        undefined = np.array([np.nan, np.nan, np.nan])
        return {"mae": np.array([1.0, np.nan, 3.0]), "mrr": undefined}

    logs = {"loss": 0.1}
    judge_of(by_task).on_epoch_end(0, logs)
    assert logs == {"loss": 0.1, "val_mae": 2.0}  # No task has the other one.
    assert asked == [VALIDATION]


def test_scores_without_metrics_end_a_training():
    def by_task(pairs):
        raise NotFiniteError("scores must be finite")

    with pytest.raises(TrainingDivergedError, match="after epoch 3: scores must be"):
        judge_of(by_task).on_epoch_end(2, {})
