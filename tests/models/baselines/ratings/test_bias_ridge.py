import numpy as np
import pytest

from models.baselines.ratings.bias_ridge import BiasRidge, fit_biases
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf

NUM_USERS, NUM_ITEMS = 15, 10


def random_pairs():
    rng = np.random.default_rng(0)
    return LabelledPairs(
        user=rng.integers(1, NUM_USERS + 1, 60),
        item=rng.integers(1, NUM_ITEMS, 60),  # The last item has no pair.
        label=rng.integers(1, 6, 60).astype(float),
        num_users=NUM_USERS,
        num_items=NUM_ITEMS,
    )


def test_biases_are_those_of_one_dense_ridge_regression():
    pairs = random_pairs()
    item_l2, user_l2 = 2.0, 0.5
    design = np.hstack(
        [
            np.ones([60, 1]),
            np.eye(NUM_USERS + 1)[pairs.user],
            np.eye(NUM_ITEMS + 1)[pairs.item],
        ]
    )
    penalty = np.diag([0.0] + [user_l2] * (NUM_USERS + 1) + [item_l2] * (NUM_ITEMS + 1))
    dense = np.linalg.solve(design.T @ design + penalty, design.T @ pairs.label)
    fitted = fit_biases(pairs, item_l2=item_l2, user_l2=user_l2)
    assert fitted.mean == pytest.approx(dense[0], abs=1e-3)
    np.testing.assert_allclose(fitted.user, dense[1 : NUM_USERS + 2], atol=1e-3)
    np.testing.assert_allclose(fitted.item, dense[NUM_USERS + 2 :], atol=1e-3)


def test_an_item_without_pairs_has_no_bias():
    assert fit_biases(random_pairs(), item_l2=1.0, user_l2=1.0).item[NUM_ITEMS] == 0.0


def test_the_user_bias_is_solved_from_the_support_set():
    method = BiasRidge(user_l2=1.0)
    method.item_mean.assign([3.0, 4.0, 2.0])
    state = method.adapt(
        {
            "support_item": tf.constant([[1, 2, 0]]),
            "support_label": tf.constant([[5.0, 4.0, 9.0]]),
            "support_mask": tf.constant([[True, True, False]]),
        }
    )
    # Residuals 5 - 4 and 4 - 2: (1 + 2) / (2 + 1) = 1.
    np.testing.assert_allclose(state, [1.0])
    query = {"query_item": tf.constant([[0, 1]])}
    np.testing.assert_allclose(method.score(state, query), [[4.0, 5.0]])


@pytest.mark.parametrize("name", ["item_l2", "user_l2"])
def test_refuses_a_penalty_that_does_not_penalise(name):
    with pytest.raises(ValueError, match=rf"{name} must be above 0, got -1\.0"):
        BiasRidge(**{name: -1.0})
