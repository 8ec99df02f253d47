import numpy as np
import pytest

from models.hybrid_context import DotHybrid
from models.legacy_keras import tf


def test_multiplies_the_context_with_each_pair_unit_by_unit():
    context = tf.constant([[2.0, -1.0], [0.0, 10.0]])
    pairs = tf.constant([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
    # First episode (2 * 1, -1 * 2) and (2 * 3, -1 * 4), second (0, 60) and (0, 80).
    np.testing.assert_array_equal(
        DotHybrid()(context, pairs),
        [[[2.0, -2.0], [6.0, -4.0]], [[0.0, 60.0], [0.0, 80.0]]],
    )


def test_refuses_a_context_that_is_not_as_wide_as_a_pair():
    with pytest.raises(ValueError, match="context as wide as a pair, got 2 and 3"):
        DotHybrid()(tf.ones([1, 2]), tf.ones([1, 4, 3]))
