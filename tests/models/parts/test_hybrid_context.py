import numpy as np
import pytest

from models.legacy_keras import tf
from models.parts.hybrid_context import DotHybrid, MLPHybrid, NoHybrid

CONTEXT = tf.constant([[2.0, -1.0], [0.0, 10.0]])
PAIRS = tf.constant([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])


def test_dot_multiplies_the_context_with_each_pair_unit_by_unit():
    # Eq. 8, dot. First episode (2 * 1, -1 * 2) and (2 * 3, -1 * 4), second (0, 60) and
    # (0, 80).
    np.testing.assert_array_equal(
        DotHybrid()(CONTEXT, PAIRS),
        [[[2.0, -2.0], [6.0, -4.0]], [[0.0, 60.0], [0.0, 80.0]]],
    )


def test_dot_refuses_a_context_that_is_not_as_wide_as_a_pair():
    with pytest.raises(ValueError, match="context as wide as a pair, got 2 and 3"):
        DotHybrid()(tf.ones([1, 2]), tf.ones([1, 4, 3]))


def test_mlp_is_a_network_of_context_and_pair():
    hybrid = MLPHybrid(1)
    hybrid(CONTEXT, PAIRS)
    hybrid.hidden.kernel.assign([[1.0], [0.0], [0.0], [-1.0]])
    hybrid.hidden.bias.assign([3.0])
    hybrid.projection.kernel.assign([[-2.0]])
    hybrid.projection.bias.assign([0.5])
    # Eq. 8, MLP. Hidden relu(c_0 - x_1 + 3): relu(2 - 2 + 3) = 3, relu(2 - 4 + 3) = 1,
    # relu(0 - 6 + 3) = 0 and relu(0 - 8 + 3) = 0; times -2, plus 0.5.
    np.testing.assert_array_equal(
        hybrid(CONTEXT, PAIRS), [[[-5.5], [-1.5]], [[0.5], [0.5]]]
    )


def test_mlp_takes_a_context_of_any_width():
    assert MLPHybrid(5)(tf.ones([2, 7]), PAIRS).shape == [2, 2, 5]


def test_none_hands_on_the_context_once_a_task():
    np.testing.assert_array_equal(
        NoHybrid()(CONTEXT, PAIRS), [[[2.0, -1.0]], [[0.0, 10.0]]]
    )


ONCE, EACH = tf.constant([[[1.0]], [[-3.0]]]), PAIRS[..., :1]
WHOLE = tf.concat([tf.repeat(ONCE, 2, axis=1), EACH], axis=-1)


def test_dot_leaves_parts_apart_and_multiplies_each_with_its_share():
    once, each = DotHybrid()(CONTEXT, [ONCE, EACH])
    # Once a task 2 * 1 and 0 * -3; each pair -1 * 1, -1 * 3, and 10 * 5, 10 * 7.
    np.testing.assert_array_equal(once, [[[2.0]], [[0.0]]])
    np.testing.assert_array_equal(each, [[[-1.0], [-3.0]], [[50.0], [70.0]]])


def test_dot_refuses_parts_that_are_not_as_wide_as_the_context():
    with pytest.raises(ValueError, match="context as wide as a pair, got 2 and 3"):
        DotHybrid()(CONTEXT, [ONCE, PAIRS])


def test_mlp_counts_parts_as_if_they_were_concatenated():
    hybrid = MLPHybrid(4)
    np.testing.assert_allclose(
        hybrid(CONTEXT, [ONCE, EACH]), hybrid(CONTEXT, WHOLE), atol=1e-5
    )
