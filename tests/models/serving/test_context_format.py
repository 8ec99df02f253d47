import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving.context_format import ContextFormat

VALUES = {
    "user": tf.constant([[1.0, 2.0], [3.0, 4.0]]),
    "memory": tf.constant([[5.0], [-6.5]]),
}
SIZES = tf.constant([7, 0])


def format_of(model_version=2**20 + 3):
    return ContextFormat({"user": 2, "memory": 1}, model_version)


def test_a_context_is_mark_size_and_values_side_by_side():
    packed = format_of().pack(SIZES, VALUES)
    # A version of 2 ** 20 + 3 is marked as 1 and 3.
    np.testing.assert_array_equal(packed, [[1, 3, 7, 1, 2, 5], [1, 3, 0, 3, 4, -6.5]])
    assert format_of().width == 6


@pytest.mark.parametrize("version", [0, 1, 1_700_000_003, 2**40 - 1])
def test_what_was_packed_is_unpacked(version):
    form = format_of(version)
    sizes, values = form.unpack(form.pack(SIZES, VALUES))
    np.testing.assert_array_equal(sizes, SIZES)
    assert sizes.dtype == tf.int32
    assert set(values) == {"user", "memory"}
    for name, value in values.items():
        np.testing.assert_array_equal(value, VALUES[name])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [(4, 5), (2**20 + 3, 3), (1_700_000_003, 1_700_000_004), (2**40 - 1, 2**40 - 2)],
)
def test_a_context_of_another_version_is_refused_naming_both(theirs, ours):
    packed = format_of(theirs).pack(SIZES, VALUES)
    one_is_ours = tf.concat([format_of(ours).pack(SIZES, VALUES), packed[1:]], axis=0)
    message = rf"this is model version {ours}, .*contexts of'\n{theirs}$"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        format_of(ours).checked(one_is_ours)


def test_a_context_of_another_version_may_be_of_another_width():
    checked = tf.function(format_of(5).checked, autograph=False).get_concrete_function(
        tf.TensorSpec([None, 6])
    )
    other = ContextFormat({"user": 9}, 4).pack(SIZES, {"user": tf.zeros([2, 9])})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"version 5, .*\[4 4\]"):
        checked(other)


@pytest.mark.parametrize("width", [5, 7])
def test_a_context_of_another_width_is_refused(width):
    packed = np.resize(format_of().pack(SIZES, VALUES), [2, width])
    packed[:, :2] = [1, 3]
    message = rf"a context must hold 6 values, got'\n{width}$"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        format_of().checked(tf.constant(packed))


@pytest.mark.parametrize("place", [2, 3, 5])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(place, value):
    packed = format_of().pack(SIZES, VALUES).numpy()
    packed[1, place] = value
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="every value of a context must be finite"
    ):
        format_of().checked(tf.constant(packed))
