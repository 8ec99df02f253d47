import numpy as np
import pytest

from models.legacy_keras import tf
from models.parts.moment_encoder import MomentEncoder


@pytest.fixture
def support():
    """One episode of two pairs and padding."""
    return {
        "pairs": tf.constant([[[1.0, 3.0], [2.0, -1.0], [99.0, 99.0]]]),
        "labels": tf.constant([[2.0, -1.0, 99.0]]),
        "support_mask": tf.constant([[True, True, False]]),
    }


def test_adds_up_pairs_plain_and_weighted_by_their_labels(support):
    encoder = MomentEncoder(7)
    encoder(**support)
    encoder.projection.kernel.assign(tf.eye(7))
    # Sums over 5 more pairs than there are: of pairs, of label times pair, of labels
    # and of their squares; and a third of log 3.
    sums = np.array([1 + 2, 3 - 1, 2 - 2, 6 + 1, 2 - 1, 4 + 1]) / 7.0
    expected = [[*sums, np.log(3.0) / 3.0]]
    np.testing.assert_allclose(encoder(**support), expected, rtol=1e-6)


def test_knows_nothing_without_support(support):
    encoder = MomentEncoder(3)
    encoder(**support)
    without = {**support, "support_mask": tf.zeros([1, 3], tf.bool)}
    np.testing.assert_array_equal(encoder(**without), np.zeros([1, 3]))
    empty = {name: value[:, :0] for name, value in support.items()}
    np.testing.assert_array_equal(encoder(**empty), np.zeros([1, 3]))


def test_drops_units_in_training_alone(support):
    encoder = MomentEncoder(3, dropout=0.5)
    np.testing.assert_array_equal(encoder(**support), encoder(**support))
    drawn = [encoder(**support, training=True).numpy() for _ in range(4)]
    assert len(np.unique(drawn, axis=0)) > 1
