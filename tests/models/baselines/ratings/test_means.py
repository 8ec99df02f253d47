import numpy as np
import pytest

from models.baselines.ratings.means import GlobalMean, ItemMean, SupportMean
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf

# Mean label 4; item 3 has no pair.
PAIRS = LabelledPairs(
    user=np.array([1, 2, 1]),
    item=np.array([1, 1, 2]),
    label=np.array([5.0, 5.0, 2.0]),
    num_users=2,
    num_items=3,
)
QUERY = {"query_item": tf.constant([[0, 1, 2, 3]])}


def support_of(labels):
    return {
        "support_item": tf.ones([1, len(labels)], tf.int32),
        "support_label": tf.constant([labels], tf.float32),
        "support_mask": tf.ones([1, len(labels)], tf.bool),
    }


def test_global_mean_is_the_mean_label_of_every_pair():
    method = GlobalMean()
    method.fit(PAIRS)
    state = method.adapt(support_of([1.0]))
    np.testing.assert_allclose(method.score(state, QUERY), [[4.0] * 4])


def test_support_mean_is_shrunk_towards_the_mean_label():
    method = SupportMean(prior=2.0)
    method.fit(PAIRS)
    state = method.adapt(support_of([1.0, 2.0]))
    # (1 + 2 + 2 pairs of 4) / (2 + 2) = 11 / 4.
    np.testing.assert_allclose(method.score(state, QUERY), [[2.75] * 4])
    np.testing.assert_allclose(method.adapt(support_of([])), [4.0])


def test_item_mean_is_shrunk_towards_the_mean_label():
    method = ItemMean(damping=2.0)
    method.fit(PAIRS)
    scores = method.score(method.adapt(support_of([1.0])), QUERY)
    # Item 1: (5 + 5 + 2 * 4) / 4; item 2: (2 + 2 * 4) / 3; unknown and unseen: 4.
    np.testing.assert_allclose(scores, [[4.0, 4.5, 10.0 / 3.0, 4.0]], rtol=1e-6)


def test_nothing_is_learnt_of_the_unknown_item():
    method = ItemMean(damping=1.0)
    method.fit(
        LabelledPairs(
            user=np.array([1, 1]),
            item=np.array([0, 1]),
            label=np.array([1.0, 5.0]),
            num_users=1,
            num_items=1,
        )
    )
    # Mean of both pairs 3; item 1 is (5 + 3) / 2.
    np.testing.assert_allclose(method.item_mean, [3.0, 4.0])


@pytest.mark.parametrize(
    ("method", "name"), [(SupportMean, "prior"), (ItemMean, "damping")]
)
def test_refuses_a_shrinkage_that_leaves_no_pairs_without_a_mean(method, name):
    with pytest.raises(ValueError, match=rf"{name} must be above 0, got 0\.0"):
        method(**{name: 0.0})
