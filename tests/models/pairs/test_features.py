import dataclasses

import numpy as np
import pytest

from models.episodes.entity_table import EntityTable
from models.legacy_keras import tf
from models.pairs.features import EntityEmbedding, FeatureEmbedding
from transforms.schema import Feature

COLOUR = Feature("colour", "categorical", vocabulary_size=2)
TAGS = Feature("tags", "multi", vocabulary_size=3, max_values=3)
AGE = Feature("age", "numeric", mean=20.0, std=2.0)

# Row 0 is never to be seen.
ROWS_OF_TWO = [[99.0, 99.0], [1.0, 2.0], [3.0, 6.0], [5.0, 0.0]]


def embedding_of(feature, weights):
    embedding = FeatureEmbedding(feature, embedding_dim=2)
    embedding.table.assign(weights)
    return embedding


@pytest.fixture
def table():
    """Three entities with a feature of each kind, seen 5, 2 and 1 times."""
    return EntityTable(
        features=(COLOUR, TAGS, AGE),
        encoded={
            "colour": np.array([[0], [1], [2], [1]], np.int32),
            "tags": np.array([[0, 0, 0], [1, 3, 0], [2, 0, 0], [0, 0, 0]], np.int32),
            "age": np.array([20.0, 25.0, 20.0, 18.0], np.float32),
        },
        counts=np.array([0, 5, 2, 1]),
    )


def test_a_categorical_value_has_a_row_and_the_unknown_one_is_zero():
    embedding = embedding_of(COLOUR, ROWS_OF_TWO[:3])
    np.testing.assert_array_equal(
        embedding(tf.constant([[2], [0], [1]])), [[3.0, 6.0], [0.0, 0.0], [1.0, 2.0]]
    )


def test_several_values_are_averaged_over_those_that_are_there():
    embedding = embedding_of(TAGS, ROWS_OF_TWO)
    # ((1 + 3) / 2, (2 + 6) / 2), one alone, ((1 + 3 + 5) / 3, (2 + 6 + 0) / 3), none.
    np.testing.assert_allclose(
        embedding(tf.constant([[1, 2, 0], [0, 3, 0], [1, 2, 3], [0, 0, 0]])),
        [[2.0, 4.0], [5.0, 0.0], [3.0, 8.0 / 3.0], [0.0, 0.0]],
        rtol=1e-6,
    )


def test_a_number_is_standardised_and_scales_a_direction():
    embedding = embedding_of(AGE, [[3.0, -1.0]])
    # (25 - 20) / 2 = 2.5 times (3, -1); the mean is the zero vector.
    np.testing.assert_allclose(
        embedding(tf.constant([25.0, 20.0])), [[7.5, -2.5], [0.0, 0.0]]
    )


def test_the_unknown_value_is_never_trained():
    embedding = embedding_of(TAGS, ROWS_OF_TWO)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([[1, 0, 0], [0, 0, 0]])))
    gradient = tf.convert_to_tensor(tape.gradient(loss, embedding.table))
    np.testing.assert_array_equal(gradient, [[0, 0], [1, 1], [0, 0], [0, 0]])


def test_features_stand_in_the_order_of_the_table_and_the_id_last(table):
    embedding = EntityEmbedding(table, 1, min_id_count=1)
    for layer, weights in zip(
        [*embedding.embeddings, embedding.id_embedding],
        ([0, 1, 2], [0, 10, 20, 30], [100], [0, 1000, 2000, 3000]),
        strict=True,
    ):
        layer.table.assign(np.array(weights, np.float32)[:, np.newaxis])
    # Colour, mean of the tags, age (25 - 20) / 2 and (18 - 20) / 2 times 100, id.
    expected = [[1, 20, 250, 1000], [2, 20, 0, 2000], [1, 0, -100, 3000]]
    np.testing.assert_allclose(embedding(tf.constant([1, 2, 3])), expected)
    assert embedding.width == 4


def test_ids_seen_too_rarely_share_the_unknown_one(table):
    embedding = EntityEmbedding(table, 2, min_id_count=2)
    embedding.id_embedding.table.assign(
        [[9.0, 9.0], [1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    )
    ids = embedding(tf.constant([0, 1, 2, 3]))[:, -2:]
    np.testing.assert_array_equal(ids, [[0, 0], [1, 2], [3, 4], [0, 0]])


def test_embedding_each_different_row_once_is_embedding_every_row(table):
    embedding = EntityEmbedding(table, 4, min_id_count=1)
    rows = tf.constant([[[3, 1], [1, 0]], [[2, 3], [3, 3]]])
    one_by_one = [embedding.embed_rows([row]) for row in tf.reshape(rows, [-1])]
    np.testing.assert_array_equal(
        embedding(rows), tf.reshape(tf.concat(one_by_one, axis=0), [2, 2, 2, 16])
    )


def test_the_gradient_of_a_row_adds_up_over_its_places(table):
    embedding = EntityEmbedding(table, 1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([[1, 1], [2, 3]])))
    colour, tags, age = tape.gradient(loss, embedding.trainable_variables)
    # Colour 1 thrice, 2 once; tags 1 and 3 by half, twice, and 2 once; ages
    # 2.5 + 2.5 + 0 - 1.
    np.testing.assert_allclose(tf.convert_to_tensor(colour), [[0], [3], [1]])
    np.testing.assert_allclose(tf.convert_to_tensor(tags), [[0], [1], [1], [1]])
    np.testing.assert_allclose(age, [[4.0]])


def test_an_entity_outside_the_table_is_embedded_from_its_features(table):
    embedding = EntityEmbedding(table, 2)
    like_row_1 = {
        "colour": tf.constant([[1]]),
        "tags": tf.constant([[3, 1]]),  # As many places as there are values.
        "age": tf.constant([25.0]),
    }
    np.testing.assert_allclose(
        tf.concat(embedding.embed_features(like_row_1), axis=-1),
        embedding(tf.constant([1])),
        atol=1e-7,
    )


def test_entities_of_which_nothing_is_known_have_no_width():
    embedding = EntityEmbedding(EntityTable((), {}, np.zeros(4, np.int64)), 8)
    assert embedding.width == 0
    assert embedding(tf.constant([[1, 2, 3]])).shape == [1, 3, 0]


def test_the_seed_decides_the_weights(table):
    first, again, other = (
        EntityEmbedding(table, 4, min_id_count=1, seed=seed)(tf.constant([1]))
        for seed in (3, 3, 30)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_a_number_far_off_counts_as_five_deviations():
    embed = FeatureEmbedding(AGE, 2)
    # The mean is 20 and the deviation 2: 30 is 5 deviations off, 45000 counts alike.
    at_limit, far_off = embed(tf.constant([30.0, 45000.0]))
    np.testing.assert_allclose(far_off, at_limit)


def test_a_number_beyond_those_learnt_from_counts_as_the_last_of_them():
    embed = FeatureEmbedding(dataclasses.replace(AGE, low=17.0, high=24.0), 2)
    low, below, high, above = embed(tf.constant([17.0, 3.0, 24.0, 25.0]))
    np.testing.assert_array_equal(low, below)
    np.testing.assert_array_equal(high, above)
    assert not np.allclose(low, high)
