import numpy as np

from models.legacy_keras import tf
from pipeline.settings.compiled import compiled_once


def test_what_is_compiled_for_one_size_is_compiled_for_all():
    shapes = []

    def total(by_name, scale):
        shapes.append(by_name["x"].shape.as_list())
        return tf.reduce_sum(by_name["x"] * scale)

    call = compiled_once(total)
    for rows, columns in ((2, 3), (1, 3), (4, 0)):
        answer = call({"x": tf.ones([rows, columns])}, tf.constant(2.0))
        np.testing.assert_array_equal(answer, 2.0 * rows * columns)
    assert shapes == [[None, None]]


def test_sizes_that_are_to_be_known_are_those_of_the_first_call():
    shapes = []

    def total(state, query):
        shapes.append((state.shape.as_list(), query["x"].shape.as_list()))
        return tf.reduce_sum(state) * sum(map(tf.reduce_sum, query.values()))

    call = compiled_once(total, num_sized=1)
    state = tf.ones([1, 2])
    for size in (3, 4):
        one = {"x": tf.ones([1, size])}
        np.testing.assert_array_equal(call(state, one), 2.0 * size)
        two = {**one, "y": tf.ones([size])}
        np.testing.assert_array_equal(call(state, two), 4.0 * size)
    assert shapes == [([1, 2], [None, None])] * 2
