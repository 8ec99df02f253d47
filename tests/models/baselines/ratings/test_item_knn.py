import numpy as np
import pytest

from models.baselines.ratings.bias_ridge import Biases
from models.baselines.ratings.item_knn import ItemKNN, _likeness
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from transforms.schema import DataError


def test_the_nearest_support_items_say_how_a_query_item_is_liked():
    method = ItemKNN(num_neighbours=1, damping=0.5)
    method.item_mean.assign([3.0, 3.0, 3.0, 3.0])
    likeness = np.zeros([4, 4], np.float32)
    likeness[3, 1], likeness[3, 2] = 0.5, 0.25
    method.likeness.assign(likeness)
    support = {
        "support_item": tf.constant([[1, 2, 3]]),
        "support_label": tf.constant([[5.0, 3.0, np.nan]]),
        "support_mask": tf.constant([[True, True, False]]),
    }
    state = method.adapt(support)
    # The user bias is 2 / (2 + 3) = 0.4, the residual of item 1 is 1.6. It is the
    # nearest of item 3: 3 + 0.4 + 0.5 * 1.6 / (0.5 + 0.5). Nothing is like item 0.
    query = {"query_item": tf.constant([[3, 0]])}
    np.testing.assert_allclose(method.score(state, query), [[4.2, 3.4]], rtol=1e-6)


def test_likeness_is_a_shrunk_correlation_over_common_users():
    pairs = LabelledPairs(
        user=np.array([1, 1, 2, 2, 3]),
        item=np.array([1, 2, 1, 2, 1]),
        label=np.array([4.0, 5.0, 2.0, 3.0, 5.0]),
        num_users=3,
        num_items=2,
    )
    biases = Biases(3.0, np.zeros(4), np.zeros(3))
    # Residuals of users 1 and 2: (1, 2) and (-1, 0). The correlation is
    # 1 * 2 / sqrt((1 + 1) * (4 + 0)) = 1 / sqrt(2), of 2 users beside 2.
    likeness = _likeness(pairs, biases, shrinkage=2.0)
    assert likeness[1, 2] == likeness[2, 1] == pytest.approx(0.5 / np.sqrt(2.0))
    assert not likeness[0].any()


def test_too_many_items_are_refused():
    ones = np.ones(1, np.int64)
    with pytest.raises(DataError, match="'item_knn' needs at most 10000 items, got 1"):
        ItemKNN().fit(LabelledPairs(ones, ones, np.ones(1), 1, 10_001))


def test_no_neighbours_are_refused():
    with pytest.raises(ValueError, match="num_neighbours must be at least 1, got 0"):
        ItemKNN(num_neighbours=0)
