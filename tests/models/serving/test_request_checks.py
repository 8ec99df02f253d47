import numpy as np
import pytest

from models.legacy_keras import tf
from models.serving.request_checks import (
    check_batch,
    check_labels,
    check_shapes,
    check_widths,
)

REFUSED = tf.errors.InvalidArgumentError

ONE = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
OTHER = tf.constant([["a", "b", "c"], ["d", "e", "f"]])
INPUTS = {"one": ONE, "other": OTHER, "flat": tf.constant([1, 2])}


def labelled(labels, items=(("i1", ""), ("i2", "i3"))):
    return {
        "support_item_id": tf.constant(items),
        "support_label": tf.constant(labels, tf.float32),
    }


@pytest.mark.parametrize(
    "check",
    [
        lambda inputs: check_batch(inputs, 2),
        lambda inputs: check_shapes(inputs, ["one"]),
        lambda inputs: check_shapes(inputs, ["one", "other"]),
        lambda inputs: check_widths(inputs, ["one", "other"], 3),
        lambda inputs: check_widths(inputs, [], 0),
    ],
)
def test_good_inputs_come_back_as_they_are(check):
    checked = check(INPUTS)
    assert set(checked) == set(INPUTS)
    for name, value in checked.items():
        np.testing.assert_array_equal(value, INPUTS[name])


def test_all_inputs_must_have_one_number_of_tasks():
    message = r"one, other, flat have'\n2, 2, 1$"
    with pytest.raises(REFUSED, match=message):
        check_batch(INPUTS | {"flat": tf.constant([1])}, 9)


def test_there_must_be_no_more_tasks_than_the_limit():
    with pytest.raises(REFUSED, match=r"at most 1 tasks, got'\n2$"):
        check_batch(INPUTS, 1)


@pytest.mark.parametrize("shape", [[2, 2], [2, 4], [1, 3]])
def test_inputs_must_have_one_shape(shape):
    inputs = INPUTS | {"other": tf.fill(shape, "a")}
    message = rf"one and other must have one shape, got'\n2, 3\nb'and'\n{shape[0]}, "
    with pytest.raises(REFUSED, match=f"{message}{shape[1]}"):
        check_shapes(inputs, ["one", "other"])


def test_inputs_must_not_be_wider_than_the_limit():
    with pytest.raises(REFUSED, match=r"other must hold at most 2 values .*\n3$"):
        check_widths(INPUTS | {"one": ONE[:, :2]}, ["one", "other"], 2)


@pytest.mark.parametrize("label", [0.5, 5.0, 2.25])
def test_a_label_within_the_range_is_fine(label):
    inputs = labelled([[label, 1.0], [1.0, 1.0]])
    checked = check_labels(inputs, (0.5, 5.0))
    np.testing.assert_array_equal(checked["support_label"], inputs["support_label"])


@pytest.mark.parametrize("label", [np.nan, np.inf, -np.inf, 0.4, 5.5])
def test_a_label_out_of_range_is_refused_unless_it_is_padding(label):
    check_labels(labelled([[1.0, label], [2.0, 3.0]]), (0.5, 5.0))
    message = rf"support_label must be within \[0\.5, 5\], got\] \[{label:g}\]"
    with pytest.raises(REFUSED, match=message):
        check_labels(labelled([[1.0, label], [2.0, label]]), (0.5, 5.0))


@pytest.mark.parametrize("label", [0.5, 0.999, np.nan, -1.0, 2.0])
def test_a_click_is_1_or_0(label):
    clicks = (0.0, 1.0)
    good = labelled([[1.0, label], [0.0, 1.0]])  # Padding may have any label.
    checked = check_labels(good, clicks, only_whole=True)
    np.testing.assert_array_equal(checked["support_label"], good["support_label"])
    message = rf"must be a whole number within \[0, 1\], got\] \[{label:g}\]"
    with pytest.raises(REFUSED, match=message):
        check_labels(labelled([[label, 1.0], [0.0, 1.0]]), clicks, only_whole=True)


def test_nothing_reads_an_input_before_it_is_checked():
    waited_for = []

    # The sum cannot be either, and would say so in its own words.
    def add(one, other):
        checked = check_shapes({"one": one, "other": other}, ["one", "other"])
        waited_for.extend(value.op.control_inputs for value in checked.values())
        return checked["one"] + checked["other"]

    spec = tf.TensorSpec([None, None])
    graph = tf.function(add, autograph=False).get_concrete_function(spec, spec)
    assert all(waited_for)
    with pytest.raises(REFUSED, match="one and other must have one shape"):
        graph(ONE, tf.ones([2, 2]))
    np.testing.assert_array_equal(graph(ONE, ONE), 2.0 * ONE)
