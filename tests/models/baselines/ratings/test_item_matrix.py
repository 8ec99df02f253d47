import numpy as np

from models.baselines.ratings.item_matrix import solve_ridge
from models.legacy_keras import tf


def test_one_unknown_is_solved_as_by_hand():
    factors = tf.constant([[[1.0], [2.0], [9.0]]])
    residual = tf.constant([[2.0, 3.0, np.nan]])
    mask = tf.constant([[True, True, False]])
    # (1 * 2 + 2 * 3) / (1 * 1 + 2 * 2 + 3) = 8 / 8; the padding takes no part.
    np.testing.assert_allclose(solve_ridge(factors, residual, mask, 3.0), [[1.0]])


def test_a_task_without_real_positions_gets_zeros():
    nothing = tf.zeros([1, 2], tf.bool)
    solved = solve_ridge(tf.ones([1, 2, 3]), tf.ones([1, 2]), nothing, 1.0)
    np.testing.assert_array_equal(solved, [[0.0, 0.0, 0.0]])
