"""How far a step on one embedding moves another."""

import numpy as np
import pytest

from models.baselines.learned.parts.overlap import (
    entity_overlaps,
    feature_overlap,
    spread_steps,
)
from models.legacy_keras import tf
from models.pairs.features import EntityEmbedding, FeatureEmbedding
from transforms.schema import Feature


@pytest.mark.parametrize("vocabulary_size", [3, 30])
def test_the_overlap_of_lists_is_the_share_of_equal_pairs(vocabulary_size):
    feature = Feature("f", "multi", vocabulary_size=vocabulary_size, max_values=3)
    encoded = tf.constant([[[1, 2, 0], [3, 0, 0], [0, 0, 0]]])
    overlap = feature_overlap(FeatureEmbedding(feature, 2), encoded, encoded)
    # Of 1, 2 with itself: 2 of 2 * 2 pairs are equal.
    np.testing.assert_allclose(overlap, [[[0.5, 0, 0], [0, 1, 0], [0, 0, 0]]])


def test_the_overlap_of_numbers_is_the_product_of_deviations():
    embedding = FeatureEmbedding(Feature("f", "numeric", mean=10.0, std=2.0), 2)
    overlap = feature_overlap(
        embedding, tf.constant([[12.0, 10.0, 100.0]]), tf.constant([[6.0, 10.0]])
    )
    # Deviations 1, 0 and 45 cut at 5; -2 and 0.
    np.testing.assert_allclose(overlap, [[[-2, 0], [0, 0], [-10, 0]]])


def test_parts_of_steps_are_spread_by_their_own_overlap():
    overlaps = [tf.constant([[[1.0, 0.5]]]), tf.constant([[[0.0, 2.0]]])]
    steps = tf.constant([[[1.0, 10.0], [4.0, 20.0]]])
    np.testing.assert_allclose(spread_steps(overlaps, steps), [[[3.0, 40.0]]])


def test_a_step_on_one_entity_moves_all_others_by_their_overlap(dataset):
    entities = EntityEmbedding(dataset.items, 3, min_id_count=2)
    rows = tf.range(dataset.items.num_rows)
    step = tf.random.stateless_normal([1, 1, entities.width], [0, 1])
    before = entities(rows)
    for moved in (0, 1, 9, 10):  # Unknown, known, and two with the unknown id.
        source = tf.constant([moved])
        with tf.GradientTape() as tape:
            moment = tf.reduce_sum(entities(source) * step[0])
        variables = entities.trainable_variables
        gradients = tape.gradient(moment, variables)
        values = [variable.numpy() for variable in variables]
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign_add(tf.convert_to_tensor(gradient))
        actual = entities(rows) - before
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        overlaps = entity_overlaps(entities, rows[tf.newaxis], source[tf.newaxis])
        expected = spread_steps(overlaps, step)[0]
        np.testing.assert_allclose(actual, expected, atol=1e-5)
        assert np.all(actual[0] == 0.0)
