import numpy as np

from models.legacy_keras import tf
from models.masked_mean import masked_mean

VALUES = tf.constant([[1.0, 2.0, 9.0], [4.0, 9.0, 9.0], [9.0, 9.0, 9.0]])
MASK = tf.constant([[True, True, False], [True, False, False], [False, False, False]])


def test_padding_does_not_count():
    # (1 + 2 + 4) / 3, and of each row (1 + 2) / 2, 4 / 1 and nothing.
    np.testing.assert_allclose(masked_mean(VALUES, MASK), 7.0 / 3.0)
    np.testing.assert_allclose(masked_mean(VALUES, MASK, axis=1), [1.5, 4.0, 0.0])


def test_a_mask_holds_for_all_units_of_a_place():
    vectors = tf.stack([VALUES, 2.0 * VALUES], axis=-1)  # [3, 3, 2]
    mean = masked_mean(vectors, MASK[..., tf.newaxis], axis=1)
    np.testing.assert_allclose(mean, [[1.5, 3.0], [4.0, 8.0], [0.0, 0.0]])
