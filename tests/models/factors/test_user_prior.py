import dataclasses

import numpy as np
import pytest

from models.factors.entity_design import EntityDesign, no_features
from models.factors.gaussian_factors import GaussianFactors
from models.factors.labelled_pairs import LabelledPairs
from models.factors.user_prior import fit_user_prior, item_set_vectors
from transforms.schema import Feature

NUM_USERS, NUM_ITEMS = 100, 20
DOUBT = np.diag([0.5, 0.25])
# Users of even rows have rated the first ten items, the others the ten after them; row
# 21 nobody has.
IS_FIRST = np.arange(NUM_USERS + 1) % 2 == 0
SIGNS = np.where(IS_FIRST, 1.0, -1.0)
USERS = np.repeat(np.arange(1, NUM_USERS + 1), 10)
ITEMS = np.where(IS_FIRST[USERS], 1, 11) + np.tile(np.arange(10), NUM_USERS)
PAIRS = LabelledPairs(
    USERS, ITEMS, np.ones(USERS.size, np.float32), NUM_USERS, NUM_ITEMS + 1
)


def factors_of(vectors):
    """A fit that found these vectors of users, [N + 1, 2]."""
    num_rows = NUM_ITEMS + 2
    return GaussianFactors(
        label_mean=0.0,
        item_bias=np.zeros(num_rows),
        item_factors=np.zeros([num_rows, 2]),
        noise_variance=np.ones(num_rows),
        user_mean=vectors,
        user_covariance=np.eye(2),
        user_doubt=DOUBT,
        is_user_seen=np.arange(NUM_USERS + 1) > 0,
    )


def first_unit(values):
    """Vectors of users with these values first, and 0."""
    return np.stack([values, np.zeros(NUM_USERS + 1)], axis=1)


def design_of(column):
    """One number is known of each user."""
    features = (Feature("age", "numeric", mean=0.0, std=1.0),)
    return EntityDesign(features, column[:, np.newaxis], (("age", 0),))


def mean_of(prior, features, items):
    """What the docstring says: the mean of a user with these items."""
    size, strength = len(items), 10.0
    share = size / (size + strength)
    return (
        prior.level[0]
        + features @ prior.features[0]
        + share * (prior.level[1] + features @ prior.features[1])
        + np.log1p(size) * prior.level[2]
        + prior.items[items].sum(axis=0) / (size + strength)
    )


def test_features_alone_by_hand():
    # The feature is 2 or 0, 1 from its mean, and the vectors 2 or -2 as it is. Of 100
    # users with a penalty of 50, the weight is 2 * 100 / (100 + 50) = 4 / 3.
    prior = fit_user_prior(
        factors_of(first_unit(2.0 * SIGNS)),
        PAIRS,
        design_of(1.0 + SIGNS),
        by_set=False,
        seed=0,
    )
    np.testing.assert_allclose(prior.features, [[[4.0 / 3.0, 0.0]], [[0.0, 0.0]]])
    level = [[-4.0 / 3.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    np.testing.assert_allclose(prior.level, level, atol=1e-12)
    assert not prior.items.any()
    # What is left, 2 / 3 of each user, and the doubt of their vectors.
    covariance = DOUBT + np.diag([4.0 / 9.0, 0.0])
    np.testing.assert_allclose(prior.covariance, covariance, atol=1e-5)


def test_nothing_known_leaves_the_vectors_as_they_scatter():
    prior = fit_user_prior(
        factors_of(first_unit(SIGNS)),
        PAIRS,
        no_features(NUM_USERS + 1),
        by_set=False,
        seed=0,
    )
    assert prior.features.shape == (2, 0, 2)
    np.testing.assert_allclose(prior.level, 0.0, atol=1e-12)
    np.testing.assert_allclose(prior.covariance, DOUBT + np.diag([1.0, 0.0]), atol=1e-5)


def test_the_set_of_items_tells_whatever_the_labels():
    prior = fit_user_prior(
        factors_of(first_unit(SIGNS)),
        PAIRS,
        no_features(NUM_USERS + 1),
        by_set=True,
        seed=0,
    )
    nobody = np.zeros(0)
    means = [
        mean_of(prior, nobody, items)
        for items in ([], range(1, 6), range(11, 16), range(11, 12), [21])
    ]
    first = np.array(means)[:, 0]
    # Five items of a kind tell the kind, one tells less, and a new one nothing.
    assert first[1] > 0.4
    assert first[2] < -0.4
    assert first[2] < first[3] < first[0] < first[1]
    np.testing.assert_allclose(prior.items[[0, 21]], 0.0)
    np.testing.assert_allclose(np.array(means)[:, 1], 0.0, atol=1e-9)
    # Of the variance, which is 1, a part is explained.
    assert DOUBT[0, 0] < prior.covariance[0, 0] < DOUBT[0, 0] + 0.8


def test_the_seed_decides():
    fits = [
        fit_user_prior(
            factors_of(first_unit(SIGNS)),
            PAIRS,
            design_of(SIGNS),
            by_set=True,
            seed=seed,
        )
        for seed in (0, 0, 1)
    ]
    first, again, other = (dataclasses.astuple(fit) for fit in fits)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("items", [[], [1, 2, 12]])
def test_turning_user_vectors_turns_their_mean_and_covariance(items):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=[NUM_USERS + 1, 2])
    prior = fit_user_prior(
        factors_of(vectors), PAIRS, design_of(SIGNS), by_set=True, seed=0
    )
    matrix = rng.normal(size=[2, 2])
    turned = prior.turned(matrix)
    user = np.array([0.5])
    np.testing.assert_allclose(
        mean_of(turned, user, items), mean_of(prior, user, items) @ matrix
    )
    np.testing.assert_allclose(turned.covariance, matrix.T @ prior.covariance @ matrix)


def test_items_with_the_same_users_have_the_same_vector():
    vectors = item_set_vectors(PAIRS, seed=0)
    seen = vectors[1:21]
    # Two kinds of users make two components, of unit size over the items that somebody
    # has rated; the largest are last.
    leading = seen[:, -2:]
    np.testing.assert_allclose((leading**2).mean(axis=0), 1.0, rtol=1e-6)
    assert not seen[:, :-2].any()
    assert not vectors[[0, 21]].any()
    np.testing.assert_allclose(leading[:10], np.tile(leading[:1], [10, 1]), atol=1e-6)
    assert np.abs(leading[0] - leading[10]).max() > 0.5


def test_vectors_are_the_largest_right_singular_ones():
    rng = np.random.default_rng(5)
    user, item = np.nonzero(rng.random([30, 12]) < 0.4)
    pairs = LabelledPairs(1 + user, 1 + item, np.ones(len(user)), 30, 12)
    matrix = np.zeros([31, 13])
    of_user, of_item = np.bincount(1 + user), np.bincount(1 + item)
    weight = 1.0 / np.sqrt(of_user[1 + user] * of_item[1 + item])
    matrix[1 + user, 1 + item] = weight
    vectors = item_set_vectors(pairs, seed=0)
    _, _, expected = np.linalg.svd(matrix, full_matrices=False)
    overlap = np.abs(expected[:12] @ vectors)[:, ::-1] / np.sqrt(12)
    np.testing.assert_allclose(overlap, np.eye(12), atol=1e-6)
