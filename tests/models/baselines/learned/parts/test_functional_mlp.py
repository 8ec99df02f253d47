"""The network whose weights are an argument."""

import numpy as np

from models.baselines.learned.parts.functional_mlp import (
    EveryPair,
    FunctionalMLP,
    for_each_task,
    joined,
)
from models.legacy_keras import tf


def test_it_scores_a_pair_as_worked_by_hand():
    mlp = FunctionalMLP(2, [2], seed=0)
    weights = [
        (tf.constant([[1.0, -1.0], [2.0, 0.0]]), tf.constant([0.5, 0.0])),
        (tf.constant([[2.0], [7.0]]), tf.constant([-1.0])),
    ]
    # Hidden units are 1 + 2*3 + 0.5 = 7.5 and relu(-1) = 0; 2 * 7.5 - 1 = 14.
    np.testing.assert_allclose(mlp(tf.constant([[[1.0, 3.0]]]), weights), [[14.0]])


def test_each_task_is_scored_with_its_own_weights():
    mlp = FunctionalMLP(3, [4, 5], seed=0)
    pairs = tf.random.stateless_normal([2, 6, 3], [0, 1])
    shared = mlp(pairs, mlp.initial)
    own = for_each_task(mlp.initial, 2)
    np.testing.assert_allclose(mlp(pairs, own), shared, rtol=1e-5, atol=1e-6)
    kernel, bias = own[-1]
    own[-1] = kernel * [[[1.0]], [[3.0]]], bias
    np.testing.assert_allclose(
        mlp(pairs, own), shared * [[1.0], [3.0]], rtol=1e-5, atol=1e-6
    )


def test_every_pair_is_scored_as_if_it_had_a_row():
    mlp = FunctionalMLP(5, [4], seed=0)
    users = tf.random.stateless_normal([3, 1, 2], [0, 1])
    items = tf.random.stateless_normal([1, 4, 3], [0, 2])
    pairs = EveryPair(users, items)
    rows = joined(pairs)  # [1, 12, 5]; the sixth is of user 1 and item 1.
    np.testing.assert_array_equal(rows[0, 5], tf.concat([users[1, 0], items[0, 1]], 0))
    for weights in (mlp.initial, for_each_task(mlp.initial, 1)):
        np.testing.assert_allclose(
            mlp(pairs, weights), mlp(rows, weights), rtol=1e-5, atol=1e-6
        )
