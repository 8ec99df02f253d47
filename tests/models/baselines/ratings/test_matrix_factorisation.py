import numpy as np
import pytest

from models.baselines.ratings.bias_ridge import BiasRidge
from models.baselines.ratings.matrix_factorisation import MatrixFactorisation
from models.evaluation.rating_metrics import mae
from models.factors.gaussian_factors import fit_gaussian_factors
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf

NUM_USERS, NUM_ITEMS, NUM_TASKS = 200, 40, 50


def planted_labels():
    """Labels 3 + item bias + taste * flavour + noise of 0.3 stars, [users, items]."""
    rng = np.random.default_rng(0)
    taste = rng.normal(size=[NUM_USERS + NUM_TASKS, 1])
    flavour = rng.normal(size=[1, NUM_ITEMS])
    bias = rng.normal(scale=0.5, size=[1, NUM_ITEMS])
    noise = rng.normal(scale=0.3, size=[NUM_USERS + NUM_TASKS, NUM_ITEMS])
    return 3.0 + bias + taste * flavour + noise


def planted_pairs(labels):
    """Half of the labels of the first users; the item after the last has no pair."""
    chosen = np.random.default_rng(1).random([NUM_USERS, NUM_ITEMS]) < 0.5
    user, item = np.nonzero(chosen)
    return LabelledPairs(
        user + 1, item + 1, labels[user, item], NUM_USERS, NUM_ITEMS + 1
    )


def cold_episode(labels):
    """The last users: ten support pairs, the rest is the query set."""
    items = np.tile(np.arange(1, NUM_ITEMS + 1, dtype=np.int32), [NUM_TASKS, 1])
    cold = labels[NUM_USERS:].astype(np.float32)
    episode = {}
    for half, part in (("support", slice(0, 10)), ("query", slice(10, None))):
        episode[f"{half}_user"] = tf.zeros_like(items[:, part])
        episode[f"{half}_item"] = tf.constant(items[:, part])
        episode[f"{half}_label"] = tf.constant(cold[:, part])
        episode[f"{half}_mask"] = tf.ones_like(items[:, part], tf.bool)
    return episode


def test_a_new_user_is_folded_in_by_ridge_regression():
    method = MatrixFactorisation(rank=1)
    method.item_mean.assign([3.0, 3.0, 3.0])
    method.item_factors.assign([[1.0, 0.0], [1.0, 1.0], [1.0, -1.0]])
    method.user_l2.assign(1.0)
    state = method.adapt(
        {
            "support_item": tf.constant([[1, 2]]),
            "support_label": tf.constant([[5.0, 9.0]]),
            "support_mask": tf.constant([[True, False]]),
        }
    )
    # Residual 2 on factors (1, 1): [[2, 1], [1, 2]] z = (2, 2), so z = (2/3, 2/3).
    np.testing.assert_allclose(state, [[2.0 / 3.0, 2.0 / 3.0]], rtol=1e-6)
    # Item 1: 3 + 2/3 + 2/3; item 2: 3 + 2/3 - 2/3; unknown: 3 + 2/3.
    query = {"query_item": tf.constant([[1, 2, 0]])}
    expected = [[13.0 / 3.0, 3.0, 11.0 / 3.0]]
    np.testing.assert_allclose(method.score(state, query), expected, rtol=1e-6)


def test_finds_the_planted_taste_of_new_users():
    labels = planted_labels()
    factors, biases = MatrixFactorisation(rank=2, full_rank_items=0), BiasRidge()
    for method in (factors, biases):
        method.fit(planted_pairs(labels))
    episode = cold_episode(labels)

    def error(method):
        scores = method.score(method.adapt(episode), episode)
        return mae(episode["query_label"], scores, episode["query_mask"]).mean()

    # Normal noise of 0.3 stars alone makes an error of 0.3 * sqrt(2 / pi) = 0.24; one
    # who knows no taste errs by about the mean of |taste * flavour|, 0.64.
    assert error(factors) < 0.30
    assert error(biases) > 0.45


def test_finds_the_variance_of_the_noise():
    pairs = planted_pairs(planted_labels())
    fitted = fit_gaussian_factors(pairs, rank=1, num_iterations=30, seed=0)
    assert fitted.noise_variance == pytest.approx(0.3**2, rel=0.1)


def test_items_without_pairs_are_the_average_item():
    pairs = planted_pairs(planted_labels())
    fitted = fit_gaussian_factors(pairs, rank=2, num_iterations=30, seed=0)
    np.testing.assert_array_equal(fitted.item_factors[0], fitted.item_factors[-1])
    seen = fitted.item_bias[1:-1]
    assert fitted.item_bias[-1] == pytest.approx(seen.mean(), abs=0.02)


@pytest.mark.parametrize("full_rank_items", [0, 10])
def test_labels_that_do_not_vary_are_fitted_exactly(full_rank_items):
    method = MatrixFactorisation(rank=2, full_rank_items=full_rank_items)
    ones = np.ones(4, np.int64)
    method.fit(LabelledPairs(ones, ones, np.full(4, 2.0), 1, 1))
    query = {"query_item": tf.constant([[0, 1]])}
    user = tf.zeros([1, method.item_factors.numpy().shape[1]])
    np.testing.assert_allclose(method.score(user, query), [[2.0, 2.0]])


def test_fits_no_more_factors_than_there_are_items():
    rng = np.random.default_rng(0)
    user, item = np.divmod(np.arange(60), 3)
    pairs = LabelledPairs(user + 1, item + 1, rng.normal(size=60), 20, 3)
    wide, narrow = (
        MatrixFactorisation(rank=rank, full_rank_items=0) for rank in (50, 3)
    )
    for method in (wide, narrow):
        method.fit(pairs)
    np.testing.assert_array_equal(wide.item_factors, narrow.item_factors)


@pytest.mark.parametrize(
    ("name", "least"), [("rank", 1), ("num_iterations", 1), ("full_rank_items", 0)]
)
def test_refuses_to_fit_nothing(name, least):
    with pytest.raises(ValueError, match=rf"must be at least {least}, got .*"):
        MatrixFactorisation(**{name: least - 1})
