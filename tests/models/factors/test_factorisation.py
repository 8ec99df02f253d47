import dataclasses

import numpy as np
import pytest
import threadpoolctl

from models.factors.factorisation import (
    FactorisationDivergedError,
    FactorisationOptions,
    factorise,
)

OPTIONS = {
    "als": FactorisationOptions("als", factors=3, regularization=0.1, alpha=5.0),
    "bpr": FactorisationOptions("bpr", factors=3, regularization=0.01, iterations=50),
}
# Four users and five items; user 3 and item 4 have no click.
USER = np.array([0, 0, 1, 1, 2, 2], np.int32)
ITEM = np.array([0, 1, 0, 1, 2, 3], np.int32)


@pytest.mark.parametrize("method", OPTIONS)
def test_vectors_have_the_width_they_say(method):
    users, items = factorise(USER, ITEM, (4, 5), OPTIONS[method])
    assert OPTIONS[method].width == {"als": 3, "bpr": 4}[method]  # The bias of items.
    assert users.shape == (4, OPTIONS[method].width)
    assert items.shape == (5, OPTIONS[method].width)
    assert users.dtype == items.dtype == np.float32


@pytest.mark.parametrize("method", OPTIONS)
def test_equal_seeds_give_equal_bits_and_others_do_not(method):
    def fit(**changes):
        options = dataclasses.replace(OPTIONS[method], **changes)
        return factorise(USER, ITEM, (4, 5), options)[1]

    np.testing.assert_array_equal(fit(), fit())
    assert np.abs(fit() - fit(seed=1)).max() > 0.0


@pytest.mark.parametrize("method", OPTIONS)
def test_no_click_at_all_gives_zeros(method):
    nothing = np.zeros(0, np.int32)
    users, items = factorise(nothing, nothing, (4, 5), OPTIONS[method])
    assert users.shape == (4, OPTIONS[method].width)
    assert items.shape == (5, OPTIONS[method].width)
    assert not users.any()
    assert not items.any()


def test_als_brings_a_click_as_near_to_1_as_the_penalty_lets_it():
    # One user x and one item y of one factor: alpha (1 - x y)^2 + r (x^2 + y^2) is
    # least at x = y with alpha (1 - x y) = r, so that x y = 1 - r / alpha = 1 - 1 / 4.
    options = FactorisationOptions(
        factors=1, regularization=1.0, alpha=4.0, iterations=200
    )
    one = np.zeros(1, np.int32)
    users, items = factorise(one, one, (1, 1), options)
    np.testing.assert_allclose(users @ items.T, [[0.75]], atol=1e-4)


def test_the_callers_number_of_blas_threads_comes_back():
    before = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    factorise(USER, ITEM, (4, 5), OPTIONS["als"])
    after = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    assert after[: len(before)] == before


def test_vectors_that_are_not_finite_are_an_error():
    user, item = np.nonzero(np.eye(30, 20) + np.eye(30, 20, 1))
    options = FactorisationOptions(
        method="bpr", factors=4, regularization=1e6, learning_rate=100.0
    )
    with pytest.raises(FactorisationDivergedError, match="regularization 1e\\+06"):
        factorise(user, item, (30, 20), options)
