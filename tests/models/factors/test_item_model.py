import numpy as np
import pytest
import scipy.sparse.linalg

from models.factors import item_model
from models.factors.item_model import decompose_clicks


def fit(clicks, *, width, l2, power=0.0):
    user, item = np.nonzero(clicks)
    return decompose_clicks(user, item, clicks.shape, width=width, power=power).model(
        l2
    )


def test_scores_are_those_of_the_ridge_regression_of_items():
    # Of rank 2, so that two values hold all of it.
    clicks = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]])
    model = fit(clicks, width=2, l2=0.7)
    gram = clicks.T @ clicks
    expected = clicks @ np.linalg.solve(gram + 0.7 * np.eye(4), gram)
    np.testing.assert_allclose(model.users @ model.items.T, expected, atol=1e-6)
    np.testing.assert_array_equal(model.click_weights, 1.0)


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_the_ridge_of_an_item_grows_with_its_clicks(power):
    clicks = np.random.default_rng(0).integers(0, 2, [9, 4]).astype(float)
    clicks[:, 0] = 1.0  # 9 clicks, more than the others.
    model = fit(np.pad(clicks, [(0, 0), (0, 1)]), width=4, l2=0.7, power=power)
    counts, gram = clicks.sum(axis=0), clicks.T @ clicks
    relative = counts / (np.square(counts).sum() / counts.sum())
    weights = np.linalg.solve(gram + 0.7 * np.diag(relative**power), gram)
    items = model.items[:4]
    found = (model.click_weights[:4, np.newaxis] * items) @ items.T
    np.testing.assert_allclose(found, weights, atol=1e-5)
    np.testing.assert_allclose(model.users @ items.T, clicks @ weights, atol=1e-5)
    # The last item has no click: nothing is known of it.
    assert model.click_weights[4] == 1.0
    assert not model.items[4].any()


def test_strengths_are_squared_singular_values_over_the_ridge_largest_first():
    clicks = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])  # Values 2 and 1.
    model = fit(clicks, width=3, l2=0.5)
    np.testing.assert_allclose(model.strengths, [8.0, 2.0, 0.0], atol=1e-6)


def test_the_smallest_values_are_left_out():
    # Singular values 2 and 1: users 1 and 2 are left with 8 / (4 + 1) * v, and v has
    # 1 / 2**0.5 for each of the two items; user 3 with nothing.
    clicks = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    model = fit(clicks, width=1, l2=1.0)
    np.testing.assert_allclose(
        model.users @ model.items.T,
        [[0.8, 0.8, 0], [0.8, 0.8, 0], [0, 0, 0]],
        atol=1e-6,
    )


@pytest.mark.parametrize("shape", [(6, 5), (5, 6)])
def test_vectors_do_not_depend_on_the_solver(shape, monkeypatch):
    def flipped(*args, **kwargs):
        left, values, right = svds(*args, **kwargs)
        return -left, values, -right

    clicks = np.random.default_rng(1).integers(0, 2, shape)
    svds = scipy.sparse.linalg.svds
    model = fit(clicks, width=3, l2=1.0)
    monkeypatch.setattr(item_model, "_SIDES", 0)  # Not to be decomposed as a whole.
    monkeypatch.setattr(scipy.sparse.linalg, "svds", flipped)
    other = fit(clicks, width=3, l2=1.0)
    np.testing.assert_allclose(model.users, other.users, atol=1e-5)
    np.testing.assert_allclose(model.items, other.items, atol=1e-5)


@pytest.mark.parametrize("clicks", [np.zeros([3, 2]), np.ones([1, 1])])
def test_what_cannot_be_fitted_is_zeros(clicks):
    model = fit(clicks, width=4, l2=1.0)
    assert model.users.shape == (clicks.shape[0], 4)
    assert model.items.shape == (clicks.shape[1], 4)
    for part in (model.users, model.items, model.strengths):
        assert not part.any()
    np.testing.assert_array_equal(model.click_weights, 1.0)


def test_what_is_told_of_items_is_learnt_from_as_further_users_are():
    clicks = np.zeros([9, 5])  # The last item is of no user, so that 4 values are all.
    clicks[:, :4] = np.random.default_rng(0).integers(0, 2, [9, 4])
    told = np.array([[1.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.5, 0.0]])
    user, item = np.nonzero(clicks)
    decomposed = decompose_clicks(user, item, clicks.shape, width=4, further=told.T)
    model = decomposed.model(0.7)
    every = np.concatenate([clicks, told])
    gram = every.T @ every
    weights = np.linalg.solve(gram + 0.7 * np.eye(5), gram)
    np.testing.assert_allclose(model.items @ model.items.T, weights, atol=1e-5)
    np.testing.assert_allclose(model.users @ model.items.T, clicks @ weights, atol=1e-5)


def test_an_item_without_a_click_is_close_to_one_of_equal_features():
    clicks = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]])
    told = np.array([[0, 0, 0.5, 0.5]]).T  # The last item has no click.
    user, item = np.nonzero(clicks)
    model = decompose_clicks(user, item, clicks.shape, width=2, further=told).model(0.5)
    scores = model.users @ model.items.T
    assert scores[2, 3] > 0.05
    np.testing.assert_allclose(scores[:2, 3], 0.0, atol=1e-6)
