import numpy as np
import pytest

from models.baselines.ratings.item_kernel import ItemKernel, _covariance, _positive_part
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from transforms.schema import DataError


def test_taste_is_what_the_support_labels_let_expect():
    method = ItemKernel()
    method.item_mean.assign([3.0, 3.0, 4.0])
    method.kernel.assign([[0.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.5, 1.0]])
    method.noise_variance.assign(1.0)
    support = {
        "support_item": tf.constant([[1, 2]]),
        "support_label": tf.constant([[5.0, np.nan]]),
        "support_mask": tf.constant([[True, False]]),
    }
    # The weight of the residual 2 is 2 / (1 + 1) = 1.
    state = method.adapt(support)
    query = {"query_item": tf.constant([[1, 2, 0]])}
    np.testing.assert_allclose(method.score(state, query), [[4.0, 4.5, 3.0]], rtol=1e-6)


def test_covariance_is_shrunk_towards_that_of_user_biases():
    pairs = LabelledPairs(
        user=np.array([1, 1, 2]),
        item=np.array([1, 2, 1]),
        label=np.zeros(3),
        num_users=2,
        num_items=2,
    )
    covariance = _covariance(pairs, np.array([1.0, 2.0, 3.0]), 0.5, 2.0)
    # Items 1 and 2: (1 * 2 + 2 * 0.5) / (1 + 2); item 1: (1 + 9 + 1) / (2 + 2).
    expected = [[0.5, 0.5, 0.5], [0.5, 2.75, 1.0], [0.5, 1.0, 5.0 / 3.0]]
    np.testing.assert_allclose(covariance, expected, rtol=1e-6)


@pytest.mark.parametrize("rank", [1, 3])
def test_the_largest_eigenvalues_are_kept_if_positive(rank):
    # (1, 1, 0) has the eigenvalue 3, (1, -1, 0) has -1 and (0, 0, 1) has 0.
    matrix = np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 0.0]], np.float32)
    expected = [[1.5, 1.5, 0.0], [1.5, 1.5, 0.0], [0.0, 0.0, 0.0]]
    np.testing.assert_allclose(_positive_part(matrix, rank), expected, atol=1e-5)


def test_too_many_items_are_refused():
    ones = np.ones(1, np.int64)
    with pytest.raises(DataError, match="needs at most 10000 items, got 10001"):
        ItemKernel().fit(LabelledPairs(ones, ones, np.ones(1), 1, 10_001))


def test_no_eigenvalue_is_refused():
    with pytest.raises(ValueError, match="rank must be at least 1, got 0"):
        ItemKernel(rank=0)
