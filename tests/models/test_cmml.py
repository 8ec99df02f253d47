import dataclasses

import numpy as np
import pytest

from models.cmml import Pairs, build_cmml
from models.factors.item_factors import ItemFactors, NoFactors
from models.legacy_keras import tf
from models.options import CMMLOptions
from models.recommender import split_episode
from transforms.schema import DataError


def prior_scores(model, episode):
    """What the prior of a model expects of the query pairs."""
    if isinstance(model.factors, NoFactors):
        return tf.fill(episode["query_item"].shape, model.label_mean)
    units = {
        role: model.factors.units(episode[f"{role}_user"], episode[f"{role}_item"])
        for role in ("support", "query")
    }
    vector = model.factors.solve(
        units["support"], episode["support_label"], episode["support_mask"]
    )
    return model.factors.expect(vector, units["query"])


def train(model, episode, *, num_steps, learning_rate=0.01, run_eagerly=False):
    """Takes steps on one and the same batch, and returns the loss of each."""
    model.compile(tf.keras.optimizers.Adam(learning_rate), run_eagerly=run_eagerly)
    losses = []
    model.fit(
        tf.data.Dataset.from_tensors(episode).repeat(num_steps),
        verbose=0,
        callbacks=tf.keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: losses.append(logs["loss"])
        ),
    )
    return losses


def test_a_call_adapts_to_the_support_and_scores_the_query(model, episode):
    support, query = split_episode(episode)
    np.testing.assert_allclose(
        model(episode), model.score(model.adapt(support), query), atol=1e-6
    )


@pytest.mark.parametrize("prior", ["factors", "constant"])
def test_the_backbone_adds_to_what_the_prior_expects(new_model, episode, prior):
    model = new_model(prior=prior)
    model.backbone.last_kernel.assign(tf.zeros_like(model.backbone.last_kernel))
    np.testing.assert_allclose(model(episode), prior_scores(model, episode), rtol=1e-6)
    model.backbone.last_bias.assign([2.0])
    # The backbone says 2 of every pair, in units of the deviation of the labels.
    expected = prior_scores(model, episode) + 2.0 * model.label_std
    np.testing.assert_allclose(model(episode), expected, rtol=1e-6)


def test_scores_start_near_what_the_prior_expects(new_model, episode):
    model = new_model()
    change = np.abs(model(episode) - prior_scores(model, episode))
    assert 0.0 < change.max() < 0.1


def test_another_unit_of_the_labels_changes_the_unit_of_the_scores(
    new_model, set_large_weights, episode
):
    stars, others = (set_large_weights(new_model(prior="constant")) for _ in range(2))
    # Labels of 10 * stars + 7 have ten times the deviation about another mean.
    others.label_std = 10.0 * stars.label_std
    others.label_mean = 10.0 * stars.label_mean + 7.0
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


def test_items_seen_too_rarely_differ_by_their_features_alone(dataset, new_model):
    model = new_model(prior="constant")
    vectors = model.items.embed_rows(tf.range(dataset.items.num_rows)).numpy()
    rare = np.flatnonzero(dataset.items.counts < 2)
    assert {0, 10} <= set(rare)
    is_zero = (vectors[:, -3:] == 0.0).all(axis=1)  # The id embedding is the last one.
    np.testing.assert_array_equal(np.flatnonzero(is_zero), rare)


def test_tables_of_items_made_beforehand_give_the_same_scores(model, dataset, episode):
    support, query = split_episode(episode)
    rows = tf.range(dataset.items.num_rows)
    items = query["query_item"]
    pairs = Pairs(
        model.users(query["query_user"][:, :1]),
        tf.gather(model.items.embed_rows(rows), items),
        tf.gather(model.factors.units(rows, rows), items),
    )
    context = model.adapt(support)
    np.testing.assert_allclose(
        model.modulated_score(context, pairs), model.score(context, query), atol=1e-5
    )


def test_padding_before_the_user_does_not_hide_them(model, episode):
    """The user of a task is that of its real pairs, wherever padding stands."""
    support, query = split_episode(episode)
    fillers = {"label": 9.0, "mask": False, "item": 3, "user": 1}
    shifted = {
        key: tf.pad(value, [[0, 0], [2, 0]], constant_values=fillers[key[8:]])
        for key, value in support.items()
    }
    np.testing.assert_allclose(
        model.score(model.adapt(shifted), query),
        model.score(model.adapt(support), query),
        atol=1e-5,
    )


def test_units_are_dropped_in_training_alone(new_model, set_large_weights, episode):
    model = set_large_weights(new_model(prior="constant", dropout=0.5))
    np.testing.assert_array_equal(model(episode), model(episode))
    trained = model(episode, training=True)
    assert not np.allclose(trained, model(episode))
    assert not np.allclose(trained, model(episode, training=True))  # Others each time.


def test_training_meets_the_prior_that_has_not_seen_the_user(
    new_model, dataset, episode
):
    model = new_model(dropout=0.0)
    user = int(dataset.pairs.user[0])
    of_meta_train = {
        name: tf.fill(value.shape, user) if name.endswith("user") else value
        for name, value in episode.items()
    }
    for batch, are_alike in ((episode, True), (of_meta_train, False)):
        inference, training = model(batch), model(batch, training=True)
        assert np.allclose(inference, training, atol=1e-5) == are_alike


@pytest.mark.parametrize("loss", ["squared", "absolute"])
def test_the_loss_is_over_query_pairs_and_the_mae_a_mean_over_tasks(
    new_model, episode, loss
):
    model = new_model(prior="constant", loss=loss)
    model.backbone.last_kernel.assign(tf.zeros_like(model.backbone.last_kernel))
    # Every score is the mean label; labels are off by 1, 3 | 2 | and nothing to score.
    off = tf.constant([[1.0, -3.0], [2.0, np.nan], [np.nan, np.nan]])
    mask = tf.math.is_finite(off)
    labels = tf.where(mask, off + model.label_mean, 0.0)
    batch = {**episode, "query_label": labels, "query_mask": mask}
    value = model.compute_loss(batch)
    # Squared (1 + 9 + 4) / 3, absolute (1 + 3 + 2) / 3.
    expected = {"squared": 14.0 / 3.0, "absolute": 2.0}[loss]
    assert value.numpy() == pytest.approx(expected, rel=1e-5)
    # Two tasks: ((1 + 3) / 2 + 2) / 2 = 2.
    metrics = {metric.name: float(metric.result()) for metric in model.metrics}
    assert metrics["mae"] == pytest.approx(2.0, rel=1e-5)
    assert metrics["mse"] == pytest.approx(14.0 / 3.0, rel=1e-5)


@pytest.mark.parametrize("prior", ["factors", "constant"])
def test_every_weight_but_those_of_the_prior_moves_in_a_few_steps(
    new_model, episode, prior
):
    model = new_model(prior=prior, dropout=0.0)
    before = {variable.ref(): variable.numpy() for variable in model.variables}
    train(model, episode, num_steps=3, run_eagerly=True)
    still = {ref for ref, value in before.items() if np.all(ref.deref() == value)}
    assert still == {variable.ref() for variable in model.factors.variables}


def test_one_batch_can_be_learnt_by_heart(new_model, episode):
    losses = train(new_model(dropout=0.0), episode, num_steps=60, learning_rate=0.02)
    assert losses[-1] < 0.1 * losses[0]


def test_a_checkpoint_brings_back_the_scores(
    model, new_model, set_large_weights, episode, tmp_path
):
    path = tf.train.Checkpoint(model=model).save(tmp_path / "weights")
    fresh = new_model(seed=1)
    assert not np.allclose(fresh(episode), model(episode))
    tf.train.Checkpoint(model=fresh).restore(path).assert_consumed()
    np.testing.assert_array_equal(fresh(episode), model(episode))


def test_the_seed_decides_the_weights(new_model, episode):
    first, again, other = (new_model(seed=seed)(episode) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_options_choose_the_parts(new_model):
    full = new_model()
    assert isinstance(full.factors, ItemFactors)
    # Three features of width 3 a side, the id of the item, and what the prior expects.
    assert full.backbone.input_dim == 9 + 12 + 1
    plain = new_model(prior="constant", item_id=False)
    assert isinstance(plain.factors, NoFactors)
    assert plain.backbone.input_dim == 9 + 9


@pytest.mark.parametrize("labels", [[1.0, 0.0], [5.0, 2.0]], ids=["clicks", "stars"])
@pytest.mark.parametrize("encoder", ["mean", "max", "gru"])
def test_an_encoder_without_negatives_sees_positive_pairs_alone(
    new_model, set_large_weights, episode, encoder, labels
):
    options = {"encoder": encoder, "prior": "constant"}
    blind, full = (
        set_large_weights(new_model(negatives=negatives, **options))
        for negatives in (False, True)
    )
    blind.label_mean = full.label_mean = sum(labels) / 2.0
    support, query = split_episode(episode)
    is_positive = tf.range(support["support_item"].shape[1]) % 2 == 0
    support = {**support, "support_label": tf.where(is_positive, *labels)[tf.newaxis]}
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
    model = set_large_weights(
        new_model(encoder="mean", negatives=False, prior="constant")
    )
    model.label_mean = 1.0
    alike = {**episode, "support_label": tf.ones_like(episode["support_label"])}
    without = {**alike, "support_mask": tf.zeros_like(episode["support_mask"])}
    assert not np.allclose(model(alike), model(without))


@pytest.mark.parametrize("is_detached", [True, False])
def test_detached_support_teaches_the_embeddings_nothing(
    new_model, set_large_weights, episode, is_detached
):
    model = set_large_weights(
        new_model(detach_support=is_detached, prior="constant", encoder="mean")
    )
    with tf.GradientTape() as tape:
        context = model.adapt(split_episode(episode)[0]).context
    embeddings = [*model.users.trainable_variables, *model.items.trainable_variables]
    assert len(embeddings) == 3 + 4
    # 0 where there is none.
    zero = tf.UnconnectedGradients.ZERO
    gradients = tape.gradient(context, embeddings, unconnected_gradients=zero)
    for variable, gradient in zip(embeddings, gradients, strict=True):
        assert np.any(tf.convert_to_tensor(gradient)) != is_detached, variable.name


def test_fixed_embeddings_are_vectors_of_collaborative_filtering(new_model):
    fixed, both = (new_model(embeddings=kind) for kind in ("fixed", "both"))
    # Of rank 1: two user factors, two item factors and the item's label; and what the
    # prior expects. No feature, no id.
    assert fixed.backbone.input_dim == 2 + 3 + 1
    assert fixed.items.trainable_variables == fixed.users.trainable_variables == []
    # Learned: three features of width 3 a side and the id of the item.
    assert both.backbone.input_dim == 9 + 12 + 6
    plain = new_model(embeddings="fixed", prior="constant")
    assert plain.backbone.input_dim == 2 + 3


def test_a_new_user_is_folded_into_fixed_vectors(new_model, episode):
    model = new_model(embeddings="fixed", prior="constant")
    state = model.adapt(split_episode(episode)[0])
    units = model.factors.units(episode["support_user"], episode["support_item"])
    folded_in = model.factors.solve(
        units, episode["support_label"], episode["support_mask"]
    )
    np.testing.assert_array_equal(state.user_factors, folded_in)


def test_a_task_without_a_hybrid_is_modulated_once(new_model, episode):
    support, query = split_episode(episode)
    rows, users = query["query_item"], query["query_user"]
    for hybrid, num_values in (("none", 1), ("dot", 2), ("mlp", 2)):
        model = new_model(hybrid=hybrid)
        units = model.factors.units(users, rows)
        pairs = Pairs(model.users(users[:, :1]), model.items(rows), units)
        film = model.modulate(model.adapt(support), pairs)
        shapes = [tuple(value.shape) for value in tf.nest.flatten(film)]
        assert shapes == [(3, num_values, units) for units in (5, 5, 4, 4)]


def test_pairs_that_nothing_is_known_of_are_refused(dataset):
    info = dataclasses.replace(dataset.info, user_features=(), item_features=())
    users, items = (
        dataclasses.replace(table, features=(), encoded={})
        for table in (dataset.users, dataset.items)
    )
    options = CMMLOptions(item_id=False, prior="constant")
    with pytest.raises(DataError, match="users and items without features"):
        build_cmml(info, users, items, options)
