import dataclasses

import numpy as np
import pytest

from models.cmml_builders import rated_cmml
from models.legacy_keras import tf
from models.options import CMMLOptions
from models.pairs.rated_pairs import LearnedPrior, UserItemPairs
from models.recommender import split_episode
from transforms.schema import DataError

MASK = tf.constant([[True, True, False]])
PAIRS = tf.constant([[[1.0], [2.0], [99.0]]])
LABELS = tf.constant([[1.0, -1.0, 99.0]])


def test_items_seen_too_rarely_differ_by_their_features_alone(dataset, new_model):
    pairs = new_model(prior="constant").pairs
    vectors = pairs.items.embed_rows(tf.range(dataset.items.num_rows)).numpy()
    rare = np.flatnonzero(dataset.items.counts < 2)
    assert {0, 10} <= set(rare)
    is_zero = (vectors[:, -3:] == 0.0).all(axis=1)  # The id embedding is the last one.
    np.testing.assert_array_equal(np.flatnonzero(is_zero), rare)


def test_tables_of_items_made_beforehand_give_the_same_scores(model, dataset, episode):
    support, query = split_episode(episode)
    rows = tf.range(dataset.items.num_rows)
    items = query["query_item"]
    user = query["query_user"][:, :1]
    pairs = UserItemPairs(
        model.pairs.users(user),
        model.pairs.factors.level_of_users(user[:, 0]),
        tf.gather(model.pairs.items.embed_rows(rows), items),
        tf.gather(model.pairs.factors.look_up(rows, rows), items),
    )
    state = model.adapt(support)
    np.testing.assert_allclose(
        model.modulated_score(state, pairs), model.score(state, query), atol=1e-5
    )


def test_a_user_without_support_is_known_by_their_features(new_model, episode):
    model = new_model(prior="constant")
    support, query = split_episode(episode)
    nothing = {
        name: value if name == "task_user" else value[:, :0]
        for name, value in support.items()
    }
    pairs = model.pairs.support_pairs(nothing)
    of_query = model.pairs.query_pairs(query)
    np.testing.assert_array_equal(pairs.user, of_query.user)


def test_a_learned_prior_is_in_the_unit_of_the_labels(new_model, dataset, episode):
    model = new_model(prior="learned", prior_rank=2)
    support, query = split_episode(episode)
    pairs, prior = model.pairs.query_pairs(query), model.pairs.learned
    state = model.adapt(support)
    units = prior.expect(state.user.vector, [pairs.user, pairs.items])
    info = dataset.info
    expected = info.label_mean + info.label_std * units
    np.testing.assert_allclose(model.prior(state, pairs), expected, rtol=1e-5)
    prior.level.bias.assign_add([1.0])
    # Every pair is expected a deviation higher, less what supports say against it.
    moved = model.prior(model.adapt(support), pairs) - expected
    has_support = support["support_mask"].numpy().any(axis=1)
    np.testing.assert_allclose(moved[~has_support], info.label_std, rtol=1e-4)


def test_surprises_are_told_from_what_is_expected_of_anyone(new_model, episode):
    model = new_model(prior="learned", encoder="moments")
    support, _ = split_episode(episode)
    before = model.adapt(support).context
    model.pairs.learned.level.bias.assign_add([1.0])
    moved = np.abs(model.adapt(support).context - before).max(axis=1)
    has_support = support["support_mask"].numpy().any(axis=1)
    np.testing.assert_array_equal(moved > 1e-6, has_support)


def test_padding_stands_anywhere(model, episode):
    support, query = split_episode(episode)
    fillers = {"label": 9.0, "mask": False, "item": 3, "user": 1}
    shifted = {
        key: value
        if key == "task_user"
        else tf.pad(value, [[0, 0], [2, 0]], constant_values=fillers[key[8:]])
        for key, value in support.items()
    }
    np.testing.assert_allclose(
        model.score(model.adapt(shifted), query),
        model.score(model.adapt(support), query),
        atol=1e-5,
    )


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


@pytest.mark.parametrize("is_detached", [True, False])
def test_detached_support_teaches_the_embeddings_nothing(
    new_model, set_large_weights, episode, is_detached
):
    model = set_large_weights(
        new_model(detach_support=is_detached, prior="constant", encoder="mean")
    )
    with tf.GradientTape() as tape:
        context = model.adapt(split_episode(episode)[0]).context
    users, items = model.pairs.users, model.pairs.items
    embeddings = [*users.trainable_variables, *items.trainable_variables]
    assert len(embeddings) == 3 + 4
    # 0 where there is none.
    zero = tf.UnconnectedGradients.ZERO
    gradients = tape.gradient(context, embeddings, unconnected_gradients=zero)
    for variable, gradient in zip(embeddings, gradients, strict=True):
        assert np.any(tf.convert_to_tensor(gradient)) != is_detached, variable.name


@pytest.mark.parametrize(
    ("options", "width"),
    [
        # Three features of width 3 a side, the id of the item, and what is expected of
        # the pair with its two variances.
        ({}, 9 + 12 + 3),
        ({"prior": "constant", "item_id": False}, 9 + 9),
        # Of rank 1: two user factors, two item factors and their products, four facts
        # of the support set, the item's label and count.
        ({"embeddings": "fixed"}, 6 + 4 + 2 + 3),
        ({"embeddings": "fixed", "prior": "constant"}, 6 + 4 + 2),
        ({"embeddings": "both"}, 9 + 12 + 12 + 3),
        # And the five shares of the labels of the support set and of the item.
        ({"embeddings": "fixed", "head": "distribution"}, 6 + 4 + 2 + 3 + 10),
    ],
    ids=str,
)
def test_options_choose_what_a_pair_is_embedded_by(new_model, options, width):
    model = new_model(**options)
    assert model.pairs.width == model.backbone.input_dim == width
    is_learned = bool(model.pairs.users.trainable_variables)
    assert is_learned == (options.get("embeddings") != "fixed")
    assert bool(model.pairs.num_factors) == ("item_id" not in options)


def test_a_new_user_is_folded_into_fixed_factors(new_model, episode):
    model = new_model(embeddings="fixed", prior="constant")
    support = split_episode(episode)[0]
    state = model.adapt(support)
    mask = support["support_mask"]
    signals = model.objective.signals(support["support_label"], mask)
    pairs = model.pairs.support_pairs(support)
    folded_in = model.pairs.solve(pairs, signals, mask)
    np.testing.assert_array_equal(state.user.vector, folded_in.vector)


def test_a_label_that_surprises_moves_scores_less_if_it_is_cut(new_model, episode):
    support, query = split_episode(episode)
    labels = support["support_label"].numpy()
    labels[:, 0] = np.where(labels[:, 0] > 3.0, 1.0, 5.0)
    false = {**support, "support_label": tf.constant(labels)}

    def change(**options):
        model = new_model(embeddings="fixed", **options)
        scores = [model.score(model.adapt(one), query) for one in (support, false)]
        return float(tf.reduce_mean(tf.abs(scores[1] - scores[0])))

    as_it_is = change()
    assert change(max_surprise=1e6) == pytest.approx(as_it_is, rel=1e-4)
    assert change(max_surprise=0.3) < 0.5 * as_it_is


def test_pairs_that_nothing_is_known_of_are_refused(dataset):
    info = dataclasses.replace(dataset.info, user_features=(), item_features=())
    users, items = (
        dataclasses.replace(table, features=(), encoded={})
        for table in (dataset.users, dataset.items)
    )
    options = CMMLOptions(embeddings="learned", item_id=False, prior="constant")
    with pytest.raises(DataError, match="users and items without features"):
        rated_cmml(info, users, items, options)


@pytest.fixture
def prior():
    """One factor of a pair, half its only unit; levels are all 0."""

    def made(passes):
        prior = LearnedPrior(1, passes)
        prior.expect(prior.solve(PAIRS, LABELS, MASK), PAIRS)
        prior.level.kernel.assign([[0.0]])
        prior.factors.kernel.assign([[0.5]])
        # The sum of label times pair alone, which is 1 - 2 = -1 over 7.
        prior.start.projection.kernel.assign([[0.0], [1.0], [0.0], [0.0], [0.0]])
        return prior

    return made


def test_starts_from_the_sums_of_the_support_set(prior):
    np.testing.assert_allclose(
        prior(0).solve(PAIRS, LABELS, MASK), [[-1.0 / 7.0]], rtol=1e-6
    )


def test_a_pass_adds_what_is_left_of_the_labels(prior):
    # Left of the labels 1 + 0.5 / 7 and -1 + 1 / 7, by factors 0.5 and 1: together
    # 0.5 + 0.25 / 7 - 1 + 1 / 7 = -0.5 + 1.25 / 7, over 7.
    vector = -1.0 / 7.0 + (-0.5 + 1.25 / 7.0) / 7.0
    found = prior(1).solve(PAIRS, LABELS, MASK)
    np.testing.assert_allclose(found, [[vector]], rtol=1e-6)


def test_many_passes_come_to_a_least_squares_fit(prior):
    # Where nothing is left along the factors: 0.5 (1 - 0.5 v) + (-1 - v) = 0.
    found = prior(200).solve(PAIRS, LABELS, MASK)
    np.testing.assert_allclose(found, [[-0.5 / 1.25]], rtol=1e-5)


def test_a_user_without_support_has_the_level_of_each_pair(prior):
    prior = prior(3)
    prior.level.kernel.assign([[2.0]])
    vector = prior.solve(PAIRS, LABELS, tf.zeros([1, 3], tf.bool))
    np.testing.assert_array_equal(vector, [[0.0]])
    np.testing.assert_array_equal(prior.expect(vector, PAIRS), 2.0 * PAIRS[..., 0])
    np.testing.assert_array_equal(
        prior.expect_of_anyone(PAIRS), prior.expect(vector, PAIRS)
    )
