import dataclasses

import numpy as np
import pytest

from models.baselines.learned.parts.vector_inputs import VectorInputs
from models.closed_form import ClosedForm
from models.cmml_builders import clicked_cmml
from models.factors.folded_user import last_nonzero, nothing_known, put_together
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.options import ScenarioOptions
from models.pairs.factor_tables import FactorPairs, dot_product
from models.recommender import split_episode


def test_dot_product_by_hand():
    user, item = tf.constant([[[1.0, 2.0]]]), tf.constant([[[3.0, -1.0]]])
    weights = tf.constant([[[1.0, 0.5]]])
    pairs = FactorPairs(
        user, item, weights, tf.zeros([1, 1], tf.int32), tf.zeros([1, 1])
    )
    np.testing.assert_allclose(dot_product(pairs), [[2.0]])


def test_the_start_is_the_dot_product_and_the_backbone_can_be_let_in(
    new_click_model, vectors, click_episode
):
    user, item = click_episode["query_user"], click_episode["query_item"]
    dot = np.sum(vectors.users[0][user] * vectors.items[0][item], axis=-1)
    model = new_click_model()
    with tf.GradientTape() as tape:
        scores = model(click_episode)
        mean = tf.reduce_mean(scores)
    np.testing.assert_allclose(scores, 10.0 * dot, rtol=1e-5, atol=1e-6)
    assert abs(tape.gradient(mean, model.pairs.backbone_scale).numpy()) > 1e-4


def test_without_a_prior_the_backbone_stands_alone(new_click_model, click_episode):
    model = new_click_model(prior="constant")
    for weight in (model.backbone.last_kernel, model.backbone.last_bias):
        weight.assign(tf.zeros_like(weight))
    assert not model(click_episode).numpy().any()


@pytest.mark.parametrize(
    ("options", "width"),
    # User, item, their product, and the prior.
    [({}, 3 * 4 + 1), ({"product": False}, 2 * 4 + 1), ({"prior": "constant"}, 3 * 4)],
    ids=str,
)
def test_options_choose_what_a_pair_is_embedded_by(new_click_model, options, width):
    model = new_click_model(**options)
    assert model.pairs.width == model.backbone.input_dim == width


def test_a_fit_of_the_factors_is_chosen_by_the_episode(
    new_click_model, vectors, click_episode
):
    model = new_click_model()
    fit = tf.constant([[2], [0], [3]], tf.int32)
    in_fits = model(click_episode | {"support_fit": fit, "query_fit": fit})
    np.testing.assert_allclose(in_fits[1], model(click_episode)[1], atol=1e-5)
    second = dataclasses.replace(
        vectors, users=vectors.users[2:3], items=vectors.items[2:3]
    )
    other = new_click_model(vectors=second)
    for ours, theirs in zip(other.weights, model.weights, strict=True):
        ours.assign(theirs)
    np.testing.assert_allclose(in_fits[0], other(click_episode)[0], atol=1e-5)


def test_units_of_the_dot_product_alone_embed_nothing(vectors, click_episode):
    more = np.ones_like(vectors.users[..., :2]), np.ones_like(vectors.items[..., :2])
    further = Vectors(
        np.concatenate([vectors.users, more[0]], axis=-1),
        np.concatenate([vectors.items, more[1]], axis=-1),
        num_further=2,
    )
    few, many = (clicked_cmml(each, ScenarioOptions()) for each in (vectors, further))
    pairs = [model.pairs.query_pairs(click_episode) for model in (few, many)]
    nobody = nothing_known(tf.shape(click_episode["query_item"])[0])
    one, other = (
        model.pairs.embed(nobody, each)
        for model, each in zip((few, many), pairs, strict=True)
    )
    for part, same in zip(one.parts[:3], other.parts[:3], strict=True):
        np.testing.assert_array_equal(part, same)
    # Two units of 1 and 1.
    np.testing.assert_allclose(other.parts[3], one.parts[3] + 2.0, rtol=1e-5)


@pytest.fixture
def linear_vectors(vectors):
    """Vectors of a linear model of two units, behind which is what a click weighs."""
    of_users = np.zeros_like(vectors.users[..., :1])
    of_items = 0.5 + np.arange(vectors.items.shape[1], dtype=np.float32) % 3
    of_items = np.broadcast_to(of_items[:, np.newaxis], (*vectors.items.shape[:2], 1))
    return dataclasses.replace(
        vectors,
        users=np.concatenate([vectors.users, of_users], axis=-1),
        items=np.concatenate([vectors.items, of_items], axis=-1),
        num_further=3,
        num_linear=2,
        strengths=np.array([4.0, 0.5], np.float32),
    )


@pytest.mark.parametrize("ridge_clicks", [0.0, 8.0])
def test_closeness_is_the_mean_over_clicks_shrunk_and_none_with_a_pool(
    new_click_model, linear_vectors, click_episode, ridge_clicks
):
    vectors = dataclasses.replace(linear_vectors, ridge_clicks=ridge_clicks)
    model = new_click_model(vectors=vectors, prior_closeness=0.5, prior_repeat=0.0)
    support, query = split_episode(click_episode)
    asked = {**query, "query_open": tf.constant([[1.0], [0.0], [1.0]])}
    state = model.adapt(support)
    with_pool = model.prior(state, model.pairs.query_pairs(query)).numpy()
    without = model.prior(state, model.pairs.query_pairs(asked)).numpy()
    items, weights = vectors.items[0][..., -3:-1], vectors.items[0][..., -1:]
    is_click = (support["support_label"] > 0.5) & support["support_mask"]
    for task in range(3):
        rows = support["support_item"][task][is_click[task]]
        # 16 clicks beside those shown are close to nothing; the weight is 0.5 of 10.
        mean = (weights * items)[rows].sum(axis=0) / (len(rows) + 16)
        # Of strengths 4 and 0.5, beside a ridge that was 1.
        ridge = 1.0 + (ridge_clicks / max(len(rows), 1)) ** 2
        mean = mean * [5.0, 1.5] / (np.array([4.0, 0.5]) + ridge)
        closeness = 5.0 * items[query["query_item"][task]] @ mean
        is_open = asked["query_open"][task, 0].numpy()
        np.testing.assert_allclose(
            without[task], with_pool[task] + is_open * closeness, atol=1e-4
        )


@pytest.mark.parametrize("ridge_clicks", [0.0, 8.0])
def test_the_mean_of_factors_adds_to_closeness_where_it_weighs(
    new_click_model, linear_vectors, click_episode, ridge_clicks
):
    support, query = split_episode(click_episode)
    asked = {**query, "query_open": tf.ones([3, 1])}
    priors = []
    for weight in (0.0, 0.4):
        vectors = dataclasses.replace(
            linear_vectors, mean_weight=weight, ridge_clicks=ridge_clicks
        )
        model = new_click_model(vectors=vectors, prior_closeness=0.5, prior_repeat=0.0)
        state = model.adapt(support)
        priors.append(model.prior(state, model.pairs.query_pairs(asked)).numpy())
    items = linear_vectors.items[0][..., : linear_vectors.width]
    is_click = (support["support_label"] > 0.5) & support["support_mask"]
    for task in range(3):
        rows = support["support_item"][task][is_click[task]]
        # As the linear model, but shrunk by 16 further clicks twice.
        mean = 0.4 * len(rows) * items[rows].sum(axis=0) / (len(rows) + 16) ** 2
        gain = 5.0 * items[query["query_item"][task]] @ mean
        np.testing.assert_allclose(priors[1][task] - priors[0][task], gain, atol=1e-4)


@pytest.mark.parametrize("of_model", [lambda model: model, ClosedForm])
def test_clicks_of_unknown_items_are_as_if_they_were_not_there(
    new_click_model, set_large_weights, linear_vectors, click_episode, of_model
):
    model = set_large_weights(new_click_model(vectors=linear_vectors))
    support, query = split_episode(click_episode)
    is_known = np.arange(support["support_item"].shape[1]) % 2 == 0
    shown = {
        "unknown": {"support_item": support["support_item"] * is_known},
        "left out": {"support_mask": support["support_mask"] & is_known},
    }
    states = [of_model(model).adapt({**support, **part}) for part in shown.values()]
    for one, other in zip(*map(tf.nest.flatten, states), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    asked = {**query, "query_open": tf.ones([3, 1])}
    scores = [of_model(model).score(state, asked) for state in states]
    np.testing.assert_allclose(*scores, atol=1e-4)


@pytest.mark.parametrize(("always_open", "expected"), [(False, 1.0), (True, 1000.0)])
def test_closeness_weighs_more_by_default_where_users_are_tasks(
    linear_vectors, always_open, expected
):
    options = ScenarioOptions()
    pairs = clicked_cmml(linear_vectors, options, always_open=always_open).pairs
    assert pairs.closeness_scale.numpy() == pytest.approx(expected)


@pytest.mark.parametrize("open_fraction", [0.0, 0.5])
def test_a_backbone_that_never_lacked_a_pool_adds_nothing_where_none_is_given(
    linear_vectors, click_episode, open_fraction
):
    model = clicked_cmml(linear_vectors, ScenarioOptions(), open_fraction=open_fraction)
    model.pairs.backbone_scale.assign(1.0)
    is_open = tf.constant([[1.0], [0.0], [1.0]])
    support, query = split_episode({**click_episode, "query_open": is_open})
    state, closed_form = model.adapt(support), ClosedForm(model)
    prior = closed_form.score(closed_form.adapt(support), query).numpy()
    is_prior = np.isclose(model.score(state, query), prior, atol=1e-5).all(axis=1)
    assert is_prior.tolist() == [not open_fraction, False, not open_fraction]


def gains_of_clicks(new_click_model, vectors, **options):
    """What clicks of items 1 to 5 add to the prior: without a pool, and with one."""
    model = new_click_model(vectors=vectors, **options)
    clicked = {
        "support_item": tf.constant(
            [[1, 2, 1, 2, 3], [4, 4, 4, 5, 1], [0, 0, 2, 2, 2]]
        ),
        "support_user": tf.ones([3, 5], tf.int32),
        "support_label": tf.constant([[1.0, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1.0] * 5]),
        "support_mask": tf.constant([[True] * 5, [True] * 3 + [False] * 2, [True] * 5]),
    }
    asked = {
        "query_item": tf.constant([[1, 2, 3], [4, 5, 1], [0, 2, 1]]),
        "query_user": tf.ones([3, 3], tf.int32),
    }
    state = model.adapt(clicked)
    nothing = model.adapt(
        clicked | {"support_mask": tf.zeros_like(clicked["support_mask"])}
    )
    return [
        (
            model.prior(state, model.pairs.query_pairs(asked | {"query_open": is_open}))
            - model.prior(
                nothing, model.pairs.query_pairs(asked | {"query_open": is_open})
            )
        ).numpy()
        for is_open in (tf.ones([3, 1]), tf.zeros([3, 1]))
    ]


def test_a_click_of_the_item_itself_counts_where_no_pool_is_given(
    new_click_model, vectors
):
    without, with_pool = gains_of_clicks(new_click_model, vectors, prior_repeat=0.3)
    # Neither negatives count nor padding, nor clicks of an unknown item.
    clicked = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(without, 3.0 * clicked, atol=1e-4)
    assert not with_pool.any()


@pytest.mark.parametrize("prior_repeat", [0.3, 0.0])
def test_how_often_the_item_was_clicked_counts_in_a_pool(
    new_click_model, vectors, prior_repeat
):
    vectors = dataclasses.replace(vectors, count_weight=0.2)
    without, with_pool = gains_of_clicks(
        new_click_model, vectors, prior_repeat=prior_repeat
    )
    clicks = np.array([[2, 1, 0], [3, 0, 0], [0, 3, 0]])
    np.testing.assert_allclose(with_pool, 2.0 * np.log1p(clicks), atol=1e-4)
    repeats = 10.0 * prior_repeat * (clicks > 0)
    np.testing.assert_allclose(without, repeats, atol=1e-4)


@pytest.mark.parametrize("mean_weight", [0.0, 0.4])
def test_an_item_of_the_whole_catalogue_is_expected_as_it_is_by_itself(
    new_click_model, linear_vectors, click_episode, mean_weight
):
    blends = dataclasses.replace(
        linear_vectors, blends=((1.0, 0.3), (0.7, 1.9)), mean_weight=mean_weight
    )
    model = new_click_model(vectors=blends)
    support, _ = split_episode(click_episode)
    state = model.adapt(support)
    users = tf.constant([1, 2, 1])
    num_items = blends.items.shape[1]
    asked = {
        "query_user": tf.repeat(users[:, tf.newaxis], num_items, axis=1),
        "query_item": tf.tile(tf.range(num_items)[tf.newaxis], [3, 1]),
        "query_open": tf.ones([3, 1]),
    }
    one_by_one = model.prior(state, model.pairs.query_pairs(asked))
    vectors = blends.users[0][users] * blends.unit_weights[1]
    expected = model.pairs.expect_items(state.user, vectors, blends.items[0])
    np.testing.assert_allclose(expected, one_by_one, atol=1e-4)
    none = model.pairs.expect_items(state.user, vectors, blends.items[0][:0])
    assert none.shape == (3, 0)


def test_pairs_are_embedded_alike_with_a_pool_and_without(vectors, click_episode):
    vectors = dataclasses.replace(vectors, blends=((1.0, 0.3), (0.25, 0.75)))
    _, query = split_episode(click_episode)
    asked = [query | {"query_open": tf.fill([3, 1], is_open)} for is_open in (0.0, 1.0)]
    pairs = clicked_cmml(vectors, ScenarioOptions(prior="constant")).pairs
    nobody = nothing_known(tf.constant(3))
    embedded = [pairs.embed(nobody, pairs.query_pairs(one)).parts for one in asked]
    others = [VectorInputs(vectors).embed_query(one) for one in asked]
    for part, same in (*zip(*embedded, strict=True), others):
        np.testing.assert_array_equal(part, same)


def test_the_last_clicks_are_kept_in_their_order():
    rows = tf.constant([[0.0, 3, 0, 1, 2], [0, 0, 0, 0, 7]])
    assert last_nonzero(rows, 2).numpy().tolist() == [[1, 2], [0, 7]]
    assert last_nonzero(rows, 6).numpy().tolist() == [
        [0, 0, 0, 3, 1, 2],
        [0, 0, 0, 0, 0, 7],
    ]
    before, after = (
        nothing_known(tf.constant(2))._replace(clicked=last_nonzero(part, 3))
        for part in (rows[:, :2], rows[:, 2:])
    )
    together = put_together(before, after).clicked
    np.testing.assert_array_equal(together, last_nonzero(rows, 3))


def test_closeness_and_repeats_can_be_left_out(
    new_click_model, linear_vectors, vectors
):
    for model in (
        new_click_model(vectors=linear_vectors, prior_closeness=0.0, prior_repeat=0.0),
        new_click_model(vectors=linear_vectors, prior="constant"),
        new_click_model(vectors=vectors, prior_repeat=0.0),  # Of no linear model.
        clicked_cmml(  # Nobody clicks an item twice.
            linear_vectors, ScenarioOptions(prior_closeness=0.0), always_open=True
        ),
    ):
        assert model.pairs.num_factors == 0
        assert model.memory_dim == model.encoder.memory_dim
