import numpy as np
import pytest

from models.joined_parts import join, take_apart
from models.legacy_keras import tf

ROWS = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize("widths", [[2, 1], [0, 3], [3], [1, 0, 2, 0], [0, 0, 3]])
def test_what_was_taken_apart_is_joined(widths):
    parts = take_apart(ROWS, widths)
    assert [part.shape.as_list() for part in parts] == [[2, width] for width in widths]
    np.testing.assert_array_equal(join(parts), ROWS)


def test_parts_of_no_width_are_nothing_together():
    assert join([ROWS[:, :0], ROWS[:, 3:]]).shape == [2, 0]


def test_no_op_takes_a_part_of_no_width():
    def split_and_join(values):
        return join(take_apart(values, [1, 0, 2]))

    graph = tf.function(split_and_join, autograph=False).get_concrete_function(
        tf.TensorSpec([None, 3])
    )
    taken = [
        tensor
        for op in graph.graph.get_operations()
        if op.type in ("SplitV", "ConcatV2")
        for tensor in [*op.inputs, *op.outputs]
    ]
    assert taken
    assert all(0 not in tensor.shape.as_list() for tensor in taken)
