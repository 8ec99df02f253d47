import numpy as np
import pytest
import scipy.sparse.linalg

from models.factors.item_model import item_model_vectors


def fit(clicks, *, width, l2):
    user, item = np.nonzero(clicks)
    weight = clicks[user, item].astype(np.float32)
    return item_model_vectors(user, item, clicks.shape, weight, width=width, l2=l2)


def test_scores_are_those_of_the_ridge_regression_of_items():
    # Of rank 2, so that two values hold all of it.
    clicks = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0.5]])
    users, items = fit(clicks, width=2, l2=0.7)
    gram = clicks.T @ clicks
    expected = clicks @ np.linalg.solve(gram + 0.7 * np.eye(4), gram)
    np.testing.assert_allclose(users @ items.T, expected, atol=1e-6)


def test_the_smallest_values_are_left_out():
    # Singular values 2 and 1: users 1 and 2 are left with 8 / (4 + 1) * v, and v has
    # 1 / 2**0.5 for each of the two items; user 3 with nothing.
    clicks = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    users, items = fit(clicks, width=1, l2=1.0)
    np.testing.assert_allclose(
        users @ items.T, [[0.8, 0.8, 0], [0.8, 0.8, 0], [0, 0, 0]], atol=1e-6
    )


def test_signs_do_not_depend_on_the_solver(monkeypatch):
    def flipped(*args, **kwargs):
        left, values, right = svds(*args, **kwargs)
        return -left, values, -right

    clicks = np.random.default_rng(0).integers(0, 2, [6, 5])
    svds = scipy.sparse.linalg.svds
    users, items = fit(clicks, width=3, l2=1.0)
    monkeypatch.setattr(scipy.sparse.linalg, "svds", flipped)
    others = fit(clicks, width=3, l2=1.0)
    for one, other in zip((users, items), others, strict=True):
        np.testing.assert_allclose(one, other)


@pytest.mark.parametrize("clicks", [np.zeros([3, 2]), np.ones([1, 1])])
def test_what_cannot_be_fitted_is_zeros(clicks):
    users, items = fit(clicks, width=4, l2=1.0)
    assert users.shape == (clicks.shape[0], 4)
    assert items.shape == (clicks.shape[1], 4)
    assert not users.any()
    assert not items.any()
