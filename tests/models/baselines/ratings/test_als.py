import tracemalloc

import numpy as np
import pytest

from models.baselines.ratings.als import ALS
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf


def test_a_new_user_is_folded_in_with_a_penalty_per_pair():
    method = ALS(rank=1, l2=0.5)
    method.item_mean.assign([3.0, 3.0, 3.0])
    method.item_factors.assign([[1.0, 0.0], [1.0, 1.0], [1.0, -1.0]])
    state = method.adapt(
        {
            "support_item": tf.constant([[1, 1, 2]]),
            "support_label": tf.constant([[5.0, 5.0, np.nan]]),
            "support_mask": tf.constant([[True, True, False]]),
        }
    )
    # Two residuals of 2 on factors (1, 1), l2 * 2 = 1 on the diagonal:
    # [[3, 2], [2, 3]] z = (4, 4), so z = (4/5, 4/5).
    np.testing.assert_allclose(state, [[0.8, 0.8]], rtol=1e-5)
    # Item 1: 3 + 0.8 + 0.8; item 2: 3 + 0.8 - 0.8; unknown: 3 + 0.8.
    query = {"query_item": tf.constant([[1, 2, 0]])}
    np.testing.assert_allclose(method.score(state, query), [[4.6, 3.0, 3.8]], rtol=1e-5)


def test_finds_a_planted_factor():
    rng = np.random.default_rng(0)
    labels = 3.0 + rng.normal(size=[60, 1]) * rng.normal(size=[1, 20])
    user, item = np.nonzero(rng.random(labels.shape) < 0.6)
    method = ALS(rank=2, l2=0.01)
    method.fit(LabelledPairs(user + 1, item + 1, labels[user, item], 60, 20))
    support = {
        "support_item": tf.range(1, 11)[tf.newaxis] + tf.zeros([60, 1], tf.int32),
        "support_label": tf.constant(labels[:, :10], tf.float32),
        "support_mask": tf.ones([60, 10], tf.bool),
    }
    query = {"query_item": tf.range(11, 21)[tf.newaxis] + tf.zeros([60, 1], tf.int32)}
    scores = method.score(method.adapt(support), query)
    assert np.abs(scores - labels[:, 10:]).mean() < 0.1  # It varies by 1.


def test_fitting_keeps_the_squares_of_one_row_at_a_time():
    rng = np.random.default_rng(0)
    user, item = np.nonzero(rng.random([300, 100]) < 0.1)
    pairs = LabelledPairs(user + 1, item + 1, rng.normal(size=user.size), 300, 100)
    method = ALS(rank=63, num_iterations=1)
    tracemalloc.start()
    method.fit(pairs)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * 64 * 64 * 8 / 2  # Those of all users take twice that.


@pytest.mark.parametrize("name", ["rank", "num_iterations", "l2"])
def test_refuses_to_fit_nothing(name):
    with pytest.raises(ValueError, match=r"at least 1 and l2 above 0, got .*0"):
        ALS(**{name: 0})
