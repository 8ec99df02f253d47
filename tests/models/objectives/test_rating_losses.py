import numpy as np
import pytest

from models.legacy_keras import tf
from models.objectives.rating_losses import (
    LOSSES,
    masked_absolute_error,
    masked_squared_error,
    task_absolute_error,
)

LABELS = tf.constant([[1.0, 2.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
SCORES = tf.constant([[2.0, 5.0, 9.0], [3.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
MASK = tf.sequence_mask([2, 1, 0], 3)  # Errors 1 and 3, then 2; the third has none.


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
