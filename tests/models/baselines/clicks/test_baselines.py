import dataclasses

import numpy as np
import pytest

from models.baselines.clicks import ease
from models.baselines.clicks.dot_product import ClickMean, DotProduct
from models.baselines.clicks.ease import EASE
from models.baselines.clicks.item_knn import ClickKNN, ItemKNN
from models.baselines.clicks.popularity import ItemPop, Popularity
from models.baselines.clicks.registry import BASELINES, OF_NEW_USERS
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from transforms.schema import DataError


def known_clicks(user, item, num_users, num_items):
    user, item = np.asarray(user, np.int32), np.asarray(item, np.int32)
    return KnownClicks(user, item, np.zeros_like(user), num_users, num_items)


# User 1 has clicked items 1 and 2; user 2 items 1, 2 and 3; user 3 item 3; user 4
# item 1. Nobody has clicked item 4.
KNOWN = known_clicks([1, 1, 2, 2, 2, 3, 4], [1, 2, 1, 2, 3, 3, 1], 4, 4)

# One fit with all clicks and one without fold 0; row 0 is unknown.
VECTORS = Vectors(
    users=np.array(
        [[[0, 0], [1, 0], [0, 2], [1, 1], [3, -1]], [[9, 9]] * 5], np.float32
    ),
    items=np.array(
        [[[0, 0], [1, 2], [3, 4], [5, 6], [7, 8]], [[9, 9]] * 5], np.float32
    ),
)


def query(users, items):
    """Every item for every user, users first."""
    return {
        "query_user": tf.constant([np.repeat(users, len(items))], tf.int32),
        "query_item": tf.constant([np.tile(items, len(users))], tf.int32),
        "query_mask": tf.ones([1, len(users) * len(items)], tf.bool),
    }


def support_of(items, labels, mask=None):
    return {
        "support_user": tf.ones([1, len(items)], tf.int32),
        "support_item": tf.constant([items], tf.int32),
        "support_label": tf.constant([labels], tf.float32),
        "support_mask": tf.constant([mask or [True] * len(items)], tf.bool),
    }


def scores_of(method, users, items, support=None):
    """Scores, [users, items]."""
    state = method.adapt(support or support_of([1], [1.0]))
    scores = method.score(state, query(users, items))
    return scores.numpy().reshape(len(users), len(items))


def test_item_pop_counts_clicks_of_the_support_set_only():
    # Item 2 is clicked twice, and shown once as a negative; item 3 is a negative and
    # padding; item 4 is not there.
    support = support_of(
        [2, 1, 2, 2, 3, 3],
        [1.0, 1.0, 0.0, 1.0, 0.0, 1.0],
        [True, True, True, True, True, False],
    )
    scores = scores_of(ItemPop(KNOWN, VECTORS), [1, 2], [1, 2, 3, 4], support)
    np.testing.assert_array_equal(scores, [[1, 2, 0, 0]] * 2)


def test_popularity_counts_known_clicks():
    method = Popularity(KNOWN, VECTORS)
    scores = scores_of(method, [1, 3], [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(scores, [[0, 3, 2, 2, 0]] * 2)


def test_dot_product_is_that_of_the_fit_to_all_clicks():
    scores = scores_of(DotProduct(KNOWN, VECTORS), [0, 2, 4], [1, 3])
    np.testing.assert_array_equal(scores, [[0, 0], [4, 12], [1, 9]])


@pytest.mark.parametrize("shrinkage", [0.0, 2.0])
def test_item_knn_sums_shrunk_cosines_to_what_the_user_has_clicked(shrinkage):
    method = ItemKNN(KNOWN, VECTORS, shrinkage=shrinkage)
    # Users who clicked both: two of items 1 and 2, one of 1 and 3, one of 2 and 3.
    # Clicks: 3, 2, 2. User 1 has items 1 and 2, user 3 item 3, user 4 item 1.
    of_1_and_2 = 2 / (np.sqrt(6) + shrinkage)
    of_1_and_3 = 1 / (np.sqrt(6) + shrinkage)
    of_2_and_3 = 1 / (2 + shrinkage)
    scores = scores_of(method, [1, 3, 4], [1, 2, 3, 4])
    assert scores[0, 2] == pytest.approx(of_1_and_3 + of_2_and_3)
    np.testing.assert_allclose(scores[1, :2], [of_1_and_3, of_2_and_3], rtol=1e-6)
    np.testing.assert_allclose(scores[2, 1:3], [of_1_and_2, of_1_and_3], rtol=1e-6)
    np.testing.assert_array_equal(scores[:, 3], 0.0)


def test_dot_product_is_that_of_the_fit_that_is_asked_for():
    vectors = dataclasses.replace(VECTORS, per_fold=2)
    method = DotProduct(KNOWN, vectors)
    asked = query([2], [1, 3]) | {"query_fit": tf.constant([[vectors.open_fit]])}
    np.testing.assert_array_equal(method.score((), asked), [[162, 162]])


@pytest.mark.parametrize("shrinkage", [0.0, 2.0])
def test_click_knn_sums_shrunk_cosines_to_the_clicks_of_the_support_set(shrinkage):
    method = ClickKNN(KNOWN, VECTORS, shrinkage=shrinkage)
    # Item 2 is clicked twice; item 3 is shown as a negative, item 1 is padding.
    support = support_of([2, 3, 2, 1], [1, 0, 1, 1], [True, True, True, False])
    of_1_and_2 = 2 / (np.sqrt(6) + shrinkage)
    of_2_and_2, of_2_and_3 = 2 / (2 + shrinkage), 1 / (2 + shrinkage)
    expected = 2 * np.array([of_1_and_2, of_2_and_2, of_2_and_3, 0.0])
    scores = scores_of(method, [1, 3], [1, 2, 3, 4], support)
    np.testing.assert_allclose(scores, [expected, expected], rtol=1e-6)


def test_click_mean_is_the_dot_product_with_the_mean_click():
    method = ClickMean(KNOWN, VECTORS)
    # Items 1 and 2 have (1, 2) and (3, 4): the mean is (2, 3).
    support = support_of([1, 3, 2, 4], [1, 0, 1, 1], [True, True, True, False])
    scores = scores_of(method, [1, 3], [1, 2, 3], support)
    np.testing.assert_array_equal(scores, [[8, 18, 28]] * 2)
    # Units that are no factors take no part: here the second.
    factors = dataclasses.replace(VECTORS, num_further=1)
    scores = scores_of(ClickMean(KNOWN, factors), [1], [1, 2, 3], support)
    np.testing.assert_array_equal(scores, [[2, 6, 10]])


@pytest.mark.parametrize("method", [ClickKNN, ClickMean])
def test_without_a_click_nothing_is_close(method):
    support = support_of([1], [0.0])
    scores = scores_of(method(KNOWN, VECTORS), [1], [1, 2, 3], support)
    assert not scores.any()


@pytest.mark.parametrize(("num_users", "num_items"), [(12, 20), (20, 12)])
def test_ease_is_the_direct_formula_from_either_side(num_users, num_items):
    chance = np.random.default_rng(1)
    clicks = (chance.random([num_users, num_items]) < 0.3).astype(float)
    user, item = np.nonzero(clicks)
    known = known_clicks(user + 1, item + 1, num_users, num_items)
    precision = np.linalg.inv(clicks.T @ clicks + 5.0 * np.eye(num_items))
    weights = -precision / np.diag(precision)
    np.fill_diagonal(weights, 0.0)
    users, items = np.arange(1, num_users + 1), np.arange(1, num_items + 1)
    scores = scores_of(EASE(known, VECTORS, l2=5.0), users, items)
    is_candidate = clicks == 0.0
    np.testing.assert_allclose(
        scores[is_candidate], (clicks @ weights)[is_candidate], rtol=1e-3, atol=1e-5
    )


def test_ease_refuses_what_it_could_not_invert():
    known = known_clicks([1], [1], 20_001, 30_000)
    with pytest.raises(DataError, match=r"at most 20000 users or items, got 20001 and"):
        EASE(known, VECTORS)


def test_ease_takes_as_many_users_or_items_as_it_says(monkeypatch):
    monkeypatch.setattr(ease, "_MAX_SIDE", 4)
    EASE(known_clicks([1], [1], 4, 9), VECTORS)
    EASE(known_clicks([1], [1], 9, 4), VECTORS)
    with pytest.raises(DataError, match=r"at most 4 users or items, got 5 and 9"):
        EASE(known_clicks([1], [1], 5, 9), VECTORS)


def test_ease_takes_many_items_of_few_users():
    known = known_clicks([1, 2, 2], [1, 1, 30_000], 2, 30_000)
    # X'X of items 1 and 30,000 is [[2, 1], [1, 1]], plus I: [[3, 1], [1, 2]]; its
    # inverse is [[2, -1], [-1, 3]] / 5, so item 1 adds 1 / 3 to item 30,000.
    method = EASE(known, VECTORS, l2=1.0)
    assert scores_of(method, [1], [30_000]) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_ranks_in_portions(name):
    grid = {key: values[0] for key, values in BASELINES[name].GRID.items()}
    method = BASELINES[name](KNOWN, VECTORS, **grid)
    support = support_of([1, 2, 4], [1.0, 0.0, 1.0])
    users, items = [0, 1, 2, 3, 4], [1, 3, 4]
    whole = scores_of(method, users, items, support)
    portions = [scores_of(method, [user], items, support)[0] for user in users[::-1]]
    np.testing.assert_allclose(portions[::-1], whole, rtol=1e-6)
    other_pool = scores_of(method, users, [2, 3], support)
    fresh = BASELINES[name](KNOWN, VECTORS, **grid)
    np.testing.assert_array_equal(other_pool, scores_of(fresh, users, [2, 3], support))


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_of_new_users_tells_from_their_clicks_what_else_they_like(name):
    known = known_clicks([1, 1, 2, 2, 3, 3, 4], [1, 3, 1, 3, 2, 4, 2], 4, 4)
    nobody = dataclasses.replace(VECTORS, users=VECTORS.users[:, :1])
    method = {**BASELINES, **OF_NEW_USERS}[name](known, nobody)
    of_nobody = {"support_user": tf.zeros([1, 1], tf.int32)}
    after_1, after_2 = (
        scores_of(method, [0], [3, 4], support_of([item], [1.0]) | of_nobody)
        for item in (1, 2)
    )
    tells = not np.array_equal(after_1, after_2)
    assert tells == (name in OF_NEW_USERS and name != "popularity")
