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
