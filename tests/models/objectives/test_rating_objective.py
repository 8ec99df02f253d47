import numpy as np
import pytest

from models.legacy_keras import tf
from models.objectives.rating_objective import (
    LOSSES,
    RatingObjective,
    masked_absolute_error,
    masked_squared_error,
    task_absolute_error,
)

SUPPORT = {
    "support_label": tf.constant([[5.0, 2.0, np.nan]]),
    "support_mask": tf.constant([[True, True, False]]),
}

LABELS = tf.constant([[1.0, 2.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
SCORES = tf.constant([[2.0, 5.0, 9.0], [3.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
MASK = tf.sequence_mask([2, 1, 0], 3)  # Errors 1 and 3, then 2; the third has none.


@pytest.mark.parametrize(
    # Squared (1 + 9 + 4) / 3, absolute (1 + 3 + 2) / 3; the deviation is 2.
    ("loss", "expected"),
    [("squared", 14.0 / 3.0 / 4.0), ("absolute", 1.0)],
)
def test_the_loss_is_over_query_pairs_and_the_mae_a_mean_over_tasks(loss, expected):
    objective = RatingObjective(3.0, 2.0, loss=loss)
    # Labels are off by 1, 3 | 2 | and there is nothing to score.
    off = tf.constant([[1.0, -3.0], [2.0, 9.0], [9.0, 9.0]])
    mask = tf.constant([[True, True], [True, False], [False, False]])
    episode = {"query_label": 3.5 + off, "query_mask": mask}
    value = objective.query_loss(episode, tf.fill([3, 2], 0.25))  # 3.5 is scored.
    assert value.numpy() == pytest.approx(expected, rel=1e-5)
    # Two tasks: ((1 + 3) / 2 + 2) / 2 = 2.
    metrics = {metric.name: float(metric.result()) for metric in objective.metrics}
    assert metrics == pytest.approx({"mae": 2.0, "mse": 14.0 / 3.0}, rel=1e-5)


def test_labels_are_standardised():
    objective = RatingObjective(3.0, 2.0)
    # (5 - 3) / 2 and (2 - 3) / 2; padding is nothing.
    signals = objective.signals(*SUPPORT.values())
    np.testing.assert_allclose(signals, [[1.0, -0.5, 0.0]])
    np.testing.assert_allclose(objective.scores(tf.constant([-0.5])), [2.0])


def test_the_error_of_a_support_set_is_the_mean_of_its_pairs():
    objective = RatingObjective(3.0, 2.0)
    # Signals 1 and -0.5: errors 1 and 0.5, squares 1 and 0.25.
    raw = tf.constant([[0.0, -1.0, 9.0]])
    np.testing.assert_allclose(objective.support_loss(raw, SUPPORT), [0.625])


def test_squared_error_is_the_mean_over_the_real_pairs_of_the_batch():
    # (1 + 9 + 4) / 3.
    np.testing.assert_allclose(masked_squared_error(LABELS, SCORES, MASK), 14.0 / 3.0)


def test_absolute_error_is_the_mean_over_the_real_pairs_of_the_batch():
    # (1 + 3 + 2) / 3.
    np.testing.assert_allclose(masked_absolute_error(LABELS, SCORES, MASK), 2.0)


def test_task_error_is_a_mean_for_each_task():
    # (1 + 3) / 2, 2, and 0 for the task without pairs.
    np.testing.assert_allclose(
        task_absolute_error(LABELS, SCORES, MASK), [2.0, 2.0, 0.0]
    )


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_batch_without_real_pairs_has_no_loss_and_no_gradient(loss):
    with tf.GradientTape() as tape:
        tape.watch(SCORES)
        value = loss(LABELS, SCORES, tf.zeros_like(MASK))
    assert value == 0.0
    np.testing.assert_array_equal(tape.gradient(value, SCORES), np.zeros([3, 3]))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_padding_has_no_gradient(loss):
    with tf.GradientTape() as tape:
        tape.watch(SCORES)
        value = loss(LABELS, SCORES, MASK)
    np.testing.assert_array_equal(tape.gradient(value, SCORES) != 0.0, MASK)
