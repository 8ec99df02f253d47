"""DCN-F against the DCN that it is tuned from."""

import numpy as np
import pytest
from learned_parts import parts_of_ratings

from models.baselines.learned.dcn import (
    DCN,
    DCNOptions,
    FineTunedDCN,
    FineTunedDCNOptions,
)
from models.legacy_keras import tf
from models.recommender import split_episode


@pytest.fixture
def build(dataset):
    """Builds either method."""

    def method_of(method, options, seed=0):
        return method(*parts_of_ratings(dataset, seed), options, seed=seed)

    return method_of


def tuned(**options):
    return FineTunedDCNOptions(hidden_dims=(6, 5), **options)


def test_pure_scores_are_those_of_the_layers(build, episode):
    dcn = build(DCN, DCNOptions(hidden_dims=(6, 5)))
    pairs = dcn.inputs_of_pairs.embed_query(episode)
    crossed = deep = pairs
    for cross in dcn.crosses:
        crossed = cross(pairs, crossed)
    for layer in dcn.deep:
        deep = layer(deep)
    raw = dcn.head(tf.concat([crossed, deep], axis=-1))[..., 0]
    expected = dcn.objective.scores(raw)
    np.testing.assert_allclose(dcn(episode), expected, rtol=1e-5, atol=1e-6)


def test_a_checkpoint_of_dcn_restores_into_it(build, episode, tmp_path):
    dcn = build(DCN, DCNOptions(hidden_dims=(6, 5)), seed=3)
    dcn(episode)
    path = tf.train.Checkpoint(model=dcn).save(tmp_path / "weights")
    model = build(FineTunedDCN, tuned(inner_steps=0))
    model(episode)
    tf.train.Checkpoint(model=model).restore(path).assert_consumed()
    np.testing.assert_allclose(model(episode), dcn(episode), rtol=1e-5, atol=1e-5)


def test_it_is_trained_as_dcn(build, episode):
    models = [
        build(DCN, DCNOptions(hidden_dims=(6, 5))),
        build(FineTunedDCN, tuned()),
    ]
    for model in models:
        model.compile(tf.keras.optimizers.Adam(0.01), run_eagerly=True)
        model.train_step(episode)
    weights = [model.get_weights() for model in models]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_tuning_lowers_the_support_error_and_moves_no_variable(build, episode):
    support, _ = split_episode(episode)
    model = build(FineTunedDCN, tuned(inner_learning_rate=1e-2))
    pairs = model.inputs_of_pairs.embed_support(support)
    before = [variable.numpy() for variable in model.variables]
    errors = [
        model.objective.support_loss(model.through_layers(pairs, weights), support)
        for weights in (model.layer_weights, model.adapt(support))
    ]
    assert np.all(errors[1] < errors[0])
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_a_weight_moves_by_the_step_size_at_first(build, episode):
    """The first step of Adam is the sign of the gradient times the step size."""
    support, _ = split_episode(episode)
    model = build(FineTunedDCN, tuned(inner_steps=1, inner_learning_rate=1e-3))
    adapted, _ = model.adapt(support)[-1]
    moved = np.abs(adapted - model.head.kernel)
    np.testing.assert_allclose(moved[moved > 1e-5], 1e-3, rtol=0.02)
    assert (moved > 1e-5).mean() > 0.8


def test_impossible_options_are_refused():
    with pytest.raises(
        ValueError, match="inner_learning_rate must be positive, got -1"
    ):
        tuned(inner_learning_rate=-1.0)
