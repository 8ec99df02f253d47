"""MetaCS-DNN against a model whose tables really take the steps."""

import numpy as np
import pytest

from models.baselines.learned.melu import MeLUOptions
from models.baselines.learned.metacs import MetaCS
from models.baselines.learned.parts.feature_pairs import build_feature_pairs
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.recommender import split_episode

STEPS, STEP_SIZE = 4, 0.1


@pytest.fixture
def model(dataset):
    """MetaCS with large weights."""
    inputs = build_feature_pairs(
        *(dataset.info, dataset.users, dataset.items),
        embedding_dim=3,
        item_id=True,
        dropout=0.0,
    )
    objective = RatingObjective(dataset.info.label_mean, dataset.info.label_std)
    options = MeLUOptions(
        hidden_dims=(6, 5), inner_steps=STEPS, inner_learning_rate=STEP_SIZE
    )
    model = MetaCS(inputs, objective, options)
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
