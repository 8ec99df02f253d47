"""What CMML promises beside the battery of every method, and of one setting alone."""

import numpy as np
import pytest

from models.legacy_keras import tf
from models.recommender import split_episode


def prior_scores(model, episode):
    """What the prior of a model of ratings expects of the query pairs."""
    if not model.pairs.has_prior:
        return tf.fill(episode["query_item"].shape, model.objective.unit.mean)
    support, query = split_episode(episode)
    pairs = model.pairs.support_pairs(support)
    mask = support["support_mask"]
    signals = model.objective.signals(support["support_label"], mask)
    user = model.pairs.solve(pairs, signals, mask)
    expected = model.pairs.expect(user, model.pairs.query_pairs(query)).mean
    return model.objective.scores(expected)


@pytest.mark.parametrize("prior", ["factors", "constant"])
def test_the_backbone_adds_to_what_the_prior_expects(new_model, episode, prior):
    model = new_model(prior=prior)
    expected = prior_scores(model, episode)
    change = np.abs(model(episode) - expected)
    assert 0.0 < change.max() < 0.1  # At the start.
    model.backbone.last_kernel.assign(tf.zeros_like(model.backbone.last_kernel))
    np.testing.assert_allclose(model(episode), expected, rtol=1e-6)
    model.backbone.last_bias.assign([2.0])
    # The backbone says 2 of every pair, in units of the deviation of the labels.
    expected += 2.0 * model.objective.unit.std
    np.testing.assert_allclose(model(episode), expected, rtol=1e-6)


def test_another_unit_of_the_labels_changes_the_unit_of_the_scores(
    new_model, set_large_weights, episode
):
    # Labels of 10 * stars + 7 have ten times the deviation about another mean.
    stars, others = (
        set_large_weights(new_model(prior="constant", unit=unit))
        for unit in ((3.0, 1.2), (37.0, 12.0))
    )
    rescaled = {**episode, "support_label": 10.0 * episode["support_label"] + 7.0}
    np.testing.assert_allclose(others(rescaled), 10.0 * stars(episode) + 7.0, rtol=1e-4)


def test_scores_depend_on_users_items_and_support(model, episode):
    before = model(episode)
    for name, value in (
        ("query_user", episode["query_user"] - 1),
        ("query_item", episode["query_item"] % 10 + 1),
        ("support_item", episode["support_item"] % 10 + 1),
        ("support_label", 6.0 - episode["support_label"]),
    ):
        after = model({**episode, name: value})
        assert (np.abs(after - before).max(axis=1) > 1e-3).all(), name


def test_units_are_dropped_in_training_alone(new_model, set_large_weights, episode):
    model = set_large_weights(new_model(prior="constant", dropout=0.5))
    np.testing.assert_array_equal(model(episode), model(episode))
    trained = model(episode, training=True)
    assert not np.allclose(trained, model(episode))
    assert not np.allclose(trained, model(episode, training=True))  # Others each time.


def test_one_batch_can_be_learnt_by_heart(new_model, episode):
    model = new_model(dropout=0.0, seed=1)
    before = [variable.numpy() for variable in model.pairs.factors.variables]
    model.compile(tf.keras.optimizers.Adam(0.02))
    losses = []
    model.fit(
        tf.data.Dataset.from_tensors(episode).repeat(60),
        verbose=0,
        callbacks=tf.keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: losses.append(logs["loss"])
        ),
    )
    assert losses[-1] < 0.1 * losses[0]
    # What was fitted beforehand stays as it was.
    after = [variable.numpy() for variable in model.pairs.factors.variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("setting", ["user", "scenario"])
def test_the_seed_decides_the_weights(
    setting, new_model, new_click_model, episode, click_episode
):
    batch = episode if setting == "user" else click_episode

    def scores(seed):
        if setting == "user":
            return new_model(seed=seed)(batch)
        model = new_click_model(seed=seed)
        model.pairs.backbone_scale.assign(1.0)  # At the start the prior alone counts.
        return model(batch)

    first, again, other = map(scores, (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("encoder", ["mean", "max", "gru"])
def test_an_encoder_without_negatives_sees_positive_pairs_alone(
    new_model, set_large_weights, episode, encoder
):
    options = {"encoder": encoder, "prior": "constant", "unit": (3.5, 1.0)}
    blind, full = (
        set_large_weights(new_model(negatives=negatives, **options))
        for negatives in (False, True)
    )
    support, query = split_episode(episode)
    is_positive = tf.range(support["support_item"].shape[1]) % 2 == 0
    support = {**support, "support_label": tf.where(is_positive, 5.0, 2.0)[tf.newaxis]}
    other_items = tf.where(is_positive, support["support_item"], 3)
    for model, is_blind in ((blind, True), (full, False)):
        before = model.score(model.adapt(support), query)
        other = {**support, "support_item": other_items}
        after = model.score(model.adapt(other), query)
        assert np.array_equal(before, after) == is_blind
        # Positive pairs count in any case.
        fewer = {**support, "support_mask": support["support_mask"] & ~is_positive}
        assert not np.allclose(model.score(model.adapt(fewer), query), before)


def test_labels_that_are_all_alike_are_positive(new_model, set_large_weights, episode):
    options = {"encoder": "mean", "negatives": False, "prior": "constant"}
    model = set_large_weights(new_model(**options, unit=(1.0, 1.0)))
    alike = {**episode, "support_label": tf.ones_like(episode["support_label"])}
    without = {**alike, "support_mask": tf.zeros_like(episode["support_mask"])}
    assert not np.allclose(model(alike), model(without))


def test_without_negatives_clicks_alone_are_encoded(new_click_model, click_episode):
    model = new_click_model(negatives=False)
    is_click = click_episode["support_label"] > 0.5
    clicks = {**click_episode, "support_mask": is_click}
    np.testing.assert_allclose(model(clicks), model(click_episode), atol=1e-5)


def test_a_task_without_a_hybrid_is_modulated_once(new_model, episode):
    support, query = split_episode(episode)
    for hybrid, num_values in (("none", 1), ("dot", 2), ("mlp", 2)):
        model = new_model(hybrid=hybrid)
        film = model.modulate(model.adapt(support), model.pairs.query_pairs(query))
        shapes = [tuple(value.shape) for value in tf.nest.flatten(film)]
        assert shapes == [(3, num_values, units) for units in (5, 5, 4, 4)]


def test_a_distribution_is_what_the_prior_expects_until_something_is_learnt(
    new_model, episode
):
    model = new_model(head="distribution")
    model.backbone.last_kernel.assign(tf.zeros_like(model.backbone.last_kernel))
    model.head.share_weight.assign(0.0)
    support, query = split_episode(episode)
    state = model.adapt(support)
    predicted = model.score_and_distribution(state, query)[1].numpy()
    np.testing.assert_allclose(predicted.sum(axis=-1), 1.0, rtol=1e-5)
    expected = model.pairs.expect(state.user, model.pairs.query_pairs(query))
    levels = model.objective.unit.standardised_array(model.levels.values)
    deviation = levels - expected.mean.numpy()[..., np.newaxis]
    density = np.exp(-(deviation**2) / 2.0 / expected.variance.numpy()[..., np.newaxis])
    density *= np.exp(expected.level_bias)  # How frequent levels are by themselves.
    normal = density / density.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(predicted, normal, rtol=1e-4, atol=1e-6)
    mean = predicted @ model.levels.values
    np.testing.assert_allclose(model.score(state, query), mean, rtol=1e-5)


@pytest.mark.parametrize("prior", ["factors", "constant", "learned"])
def test_a_calibrated_start_makes_labels_more_likely(new_model, episode, prior):
    model = new_model(head="distribution", prior=prior)
    model.backbone.last_kernel.assign(tf.zeros_like(model.backbone.last_kernel))
    assert not model.starts_calibrated  # Of five levels.
    support, query = split_episode(episode)
    shares = model.levels.shares_of(episode["query_label"])

    def likelihood():
        predicted = model.score_and_distribution(model.adapt(support), query)[1]
        logs = tf.reduce_sum(shares * tf.math.log(predicted), axis=-1)
        return float(tf.reduce_mean(logs[episode["query_mask"]]))

    before = likelihood()
    model.start_from([episode])
    assert likelihood() > before + 0.01


def test_a_context_moves_what_is_expected_of_the_user(new_model, episode):
    still, moved = (new_model(prior_context=moves) for moves in (False, True))
    support, _ = split_episode(episode)
    assert still.shift is None
    before = moved.adapt(support).user.vector
    np.testing.assert_allclose(before, still.adapt(support).user.vector, atol=1e-5)
    moved.shift.kernel.assign(tf.ones_like(moved.shift.kernel))
    assert np.abs(moved.adapt(support).user.vector - before).min() > 1e-4


def test_other_labels_give_another_distribution(new_model, set_large_weights, episode):
    model = set_large_weights(new_model(head="distribution", embeddings="fixed"))
    support, query = split_episode(episode)
    others = {**support, "support_label": 6.0 - support["support_label"]}
    one, other = (
        model.score_and_distribution(model.adapt(given), query)[1]
        for given in (support, others)
    )
    assert np.abs(one - other).max() > 0.01
