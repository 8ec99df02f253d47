"""MetaCS-DNN against a model whose tables really take the steps."""

import numpy as np
import pytest
from learned_parts import parts_of_ratings

from models.baselines.learned.melu import MeLUOptions
from models.baselines.learned.metacs import (
    MetaCS,
    entity_overlaps,
    feature_overlap,
    spread_steps,
)
from models.legacy_keras import tf
from models.pairs.features import EntityEmbedding, FeatureEmbedding
from models.recommender import split_episode
from transforms.schema import Feature

STEPS, STEP_SIZE = 4, 0.1


@pytest.fixture
def model(dataset):
    """MetaCS with large weights."""
    options = MeLUOptions(
        hidden_dims=(6, 5), inner_steps=STEPS, inner_learning_rate=STEP_SIZE
    )
    model = MetaCS(*parts_of_ratings(dataset), options)
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0.0, 0.5, variable.shape))
    return model


def plain_scores(model, query):
    pairs = model.inputs_of_pairs.embed_query(query)
    return model.objective.scores(model.mlp(pairs, model.mlp.initial))


def scores_after_steps_in_place(model, support, query):
    """Takes the steps on the variables of the model, scores, and puts them back."""
    values = [variable.numpy() for variable in model.trainable_variables]
    optimizer = tf.keras.optimizers.SGD(STEP_SIZE)
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            pairs = model.inputs_of_pairs.embed_support(support)
            raw = model.mlp(pairs, model.mlp.initial)
            loss = model.objective.support_loss(raw, support)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )
    scores = plain_scores(model, query)
    for variable, value in zip(model.trainable_variables, values, strict=True):
        variable.assign(value)
    return scores


def test_scores_are_those_of_tables_that_take_the_steps(model, episode):
    """Queries: all items, also the unknown one and those with the unknown id."""
    support, _ = split_episode(episode)
    items = tf.tile(tf.range(11)[tf.newaxis], [3, 1])
    users = tf.reduce_max(support["support_user"], axis=1, keepdims=True)
    query = {"query_user": tf.tile(users, [1, 11]), "query_item": items}
    actual = model.score(model.adapt(support), query)
    for task in range(3):
        alone = [
            {key: value[task : task + 1] for key, value in half.items()}
            for half in (support, query)
        ]
        expected = scores_after_steps_in_place(model, *alone)[0]
        np.testing.assert_allclose(actual[task], expected, rtol=1e-4, atol=1e-4)
        change = np.abs(expected - plain_scores(model, alone[1])[0])
        assert change.max() > 0.1  # So that it was no trivial comparison.


def test_an_item_moves_that_shares_a_value_with_those_of_the_support(model, episode):
    support, _ = split_episode(episode)
    weights, slopes, rows = model.adapt(support)
    query = {
        "query_user": support["support_user"][:, :1],
        "query_item": tf.fill([3, 1], 10),  # Nobody has labelled it.
    }
    without = model.score((weights, tf.zeros_like(slopes), rows), query)
    scores = model.score((weights, slopes, rows), query)
    assert np.abs(scores - without).max() > 1e-3


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
