"""MeLU, and what it shares with MetaCS."""

import numpy as np
import pytest
from learned_parts import parts_of_ratings

from models.baselines.learned.melu import MeLU, MeLUOptions
from models.baselines.learned.metacs import MetaCS
from models.baselines.learned.parts.functional_mlp import for_each_task
from models.baselines.learned.parts.inner_loop import sgd_steps
from models.legacy_keras import tf
from models.objectives.rating_objective import RatingObjective
from models.recommender import split_episode


@pytest.fixture
def build(dataset):
    """Builds a method whose weights are large enough to show in scores."""

    def method_of(method=MeLU, **options):
        options = {"hidden_dims": (6, 5), "inner_learning_rate": 0.1, **options}
        model = method(*parts_of_ratings(dataset), MeLUOptions(**options))
        rng = np.random.default_rng(0)
        for variable in model.trainable_variables:
            variable.assign(rng.normal(0.0, 0.4, variable.shape))
        return model

    return method_of


METHODS = pytest.mark.parametrize("method", [MeLU, MetaCS])


def test_one_step_of_a_linear_model_is_that_worked_by_hand(dataset):
    class OnePair:
        user_dim = item_dim = 1

        def embed_support(self, support, training=False):
            return tf.constant([[[1.0, 2.0]]])

    options = MeLUOptions(hidden_dims=(), inner_steps=1, inner_learning_rate=0.1)
    model = MeLU(OnePair(), RatingObjective(3.0, 1.0), options)
    model.mlp.initial[0][0].assign([[0.5], [0.0]])
    support = {"support_label": [[4.0]], "support_mask": [[True]]}
    ((kernel, bias),) = model.adapt(tf.nest.map_structure(tf.constant, support))
    # The raw score is 0.5 and should be 1: the slope is 2 * (0.5 - 1) * (1, 2, bias 1).
    np.testing.assert_allclose(kernel, [[[0.6], [0.2]]], rtol=1e-6)
    np.testing.assert_allclose(bias, [[[0.1]]], rtol=1e-6)


@METHODS
def test_without_steps_it_is_the_initial_model(method, build, episode):
    model = build(method, inner_steps=0)
    _, query = split_episode(episode)
    pairs = model.inputs_of_pairs.embed_query(query)
    expected = model.objective.scores(model.mlp(pairs, model.mlp.initial))
    np.testing.assert_allclose(model(episode), expected, rtol=1e-5, atol=1e-5)


def test_products_of_pairs_lead_to_the_weights_of_plain_steps(build, episode):
    model = build(inner_steps=5)
    support, _ = split_episode(episode)
    pairs = model.inputs_of_pairs.embed_support(support)
    plain, _ = sgd_steps(
        lambda weights: model.objective.support_loss(
            model.mlp(pairs, weights), support
        ),
        for_each_task(model.mlp.initial, 3),
        steps=5,
        learning_rate=0.1,
    )
    for actual, expected in zip(
        tf.nest.flatten(model.adapt(support)), tf.nest.flatten(plain), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


@METHODS
def test_more_steps_fit_the_support_set_better(method, build, episode):
    support, _ = split_episode(episode)
    as_query = {k.replace("support", "query"): v for k, v in support.items()}
    errors = []
    for steps in (0, 1, 5, 20):
        model = build(method, inner_steps=steps, inner_learning_rate=0.02)
        raw = model.raw_score(model.adapt(support), as_query)
        errors.append(model.objective.support_loss(raw, support))
    assert np.all(np.diff(errors, axis=0) < 0.0)


def meta_gradient(model, episode):
    with tf.GradientTape() as tape:
        loss = model.compute_loss(episode)
    gradients = tape.gradient(loss, model.trainable_variables)
    return [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


def slope_along(model, episode, direction, size=1e-3):
    """Derivative of the loss by differences, all weights moved at once."""
    losses = []
    for sign in (1.0, -2.0, 1.0):  # There, across, and back.
        for variable, change in zip(model.trainable_variables, direction, strict=True):
            variable.assign_add(sign * size * change)
        losses.append(model.compute_loss(episode).numpy())
    return (losses[0] - losses[1]) / (2.0 * size)


@METHODS
def test_the_meta_gradient_is_that_of_differences(method, build, episode):
    model = build(method, inner_steps=2)
    gradient = meta_gradient(model, episode)
    norm = np.sqrt(sum(np.sum(part**2) for part in gradient))
    slope = slope_along(model, episode, [part / norm for part in gradient])
    np.testing.assert_allclose(slope, norm, rtol=5e-3)


@METHODS
def test_a_first_order_gradient_differs_and_the_scores_do_not(method, build, episode):
    exact, cheap = (build(method, first_order=first) for first in (False, True))
    np.testing.assert_array_equal(exact(episode), cheap(episode))
    differences = [
        np.abs(a - b).max()
        for a, b in zip(
            meta_gradient(exact, episode), meta_gradient(cheap, episode), strict=True
        )
    ]
    assert min(differences) > 1e-5


def test_a_first_order_gradient_is_that_of_the_scores_by_the_weights(build, episode):
    """MAML section 5.2: the gradient at the adapted weights, for those at the start."""
    model = build(first_order=True)
    support, query = split_episode(episode)
    state = model.adapt(support)
    with tf.GradientTape() as tape:
        tape.watch(state)
        loss = model.objective.query_loss(episode, model.raw_score(state, query))
    expected = tf.reduce_sum(tape.gradient(loss, state)[0][0], axis=0)
    kernel = model.mlp.initial[0][0]
    with tf.GradientTape() as tape:
        loss = model.compute_loss(episode)
    np.testing.assert_allclose(tape.gradient(loss, kernel), expected, atol=1e-5)


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="inner_steps must not be negative, got -1"):
        MeLUOptions(inner_steps=-1)
