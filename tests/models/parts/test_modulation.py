import numpy as np
import pytest

from models.legacy_keras import tf
from models.parts.modulation import (
    FiLMModulation,
    RouteModulation,
    SigmoidModulation,
    WeightModulation,
)


def set_weights(layer, kernel, bias):
    layer.set_weights([np.array(kernel), np.array(bias)])


def set_trunk(modulation):
    """Makes the trunk relu(2 x + 1), then 10 minus that."""
    set_weights(modulation.trunk[0], [[2.0]], [1.0])
    set_weights(modulation.trunk[1], [[-1.0]], [10.0])


def test_each_head_of_film_reads_the_trunk_at_its_own_depth():
    film = FiLMModulation([1, 1], modulation_dim=1)
    film(tf.zeros([1, 1, 1]))
    set_trunk(film)
    set_weights(film.heads[0], [[1.0, 2.0]], [0.0, 0.5])
    set_weights(film.heads[1], [[3.0, 4.0]], [0.25, 0.0])
    (scale_0, shift_0), (scale_1, shift_1) = film(tf.constant([[[1.0], [-5.0]]]))
    # Eq. 11. Trunk: relu(2 * 1 + 1) = 3 and relu(-3 + 10) = 7; for the second pair
    # relu(2 * -5 + 1) = 0 and relu(0 + 10) = 10. Scales get the offset of 1.
    np.testing.assert_array_equal(scale_0[0], [[1 * 3 + 1.0], [1.0]])
    np.testing.assert_array_equal(shift_0[0], [[2 * 3 + 0.5], [0.5]])
    np.testing.assert_array_equal(scale_1[0], [[3 * 7 + 0.25 + 1], [3 * 10 + 1.25]])
    np.testing.assert_array_equal(shift_1[0], [[4 * 7], [4 * 10]])


def test_film_has_a_scale_and_a_shift_for_every_unit_of_every_layer():
    modulation = FiLMModulation([5, 3, 2])(tf.zeros([2, 4, 6]))
    assert [(scale.shape, shift.shape) for scale, shift in modulation] == [
        ([2, 4, units], [2, 4, units]) for units in (5, 3, 2)
    ]


def test_without_an_offset_the_scale_of_film_is_the_head_itself():
    film = FiLMModulation([2], scale_offset=0.0)
    ((scale, shift),) = film(tf.zeros([1, 1, 3]))  # Biases are 0 at first.
    np.testing.assert_array_equal(scale, [[[0.0, 0.0]]])
    np.testing.assert_array_equal(shift, [[[0.0, 0.0]]])


def test_sigmoid_scales_by_a_number_between_0_and_1():
    sigmoid = SigmoidModulation([2, 1], modulation_dim=1)
    sigmoid(tf.zeros([1, 1, 1]))
    set_trunk(sigmoid)
    set_weights(sigmoid.heads[0], [[0.0, 1.0]], [0.0, -3.0])
    set_weights(sigmoid.heads[1], [[1.0]], [-7.0 + np.log(3.0)])
    (scale_0,), (scale_1,) = sigmoid(tf.constant([[[1.0]]]))
    # Eq. 10. Trunk 3 and 7 as above: sigmoid(0), sigmoid(3 - 3) and sigmoid(log 3),
    # which is 3 / (3 + 1).
    np.testing.assert_allclose(scale_0, [[[0.5, 0.5]]])
    np.testing.assert_allclose(scale_1, [[[0.75]]], rtol=1e-6)


def test_weight_makes_weights_and_bias_of_the_last_layer():
    weight = WeightModulation(2, modulation_dim=1)
    weight(tf.zeros([1, 1, 1]))
    set_trunk(weight)
    set_weights(weight.head, [[1.0, -2.0, 0.5]], [0.0, 1.0, 2.0])
    weights, bias = weight(tf.constant([[[1.0], [-5.0]]]))
    # Eq. 9. The head reads the trunk behind both layers, 7 and 10 as above.
    np.testing.assert_array_equal(weights, [[[[7.0, -13.0]], [[10.0, -19.0]]]])
    np.testing.assert_array_equal(bias, [[[0.5 * 7 + 2], [0.5 * 10 + 2]]])


def test_weight_makes_a_row_of_weights_for_each_output():
    weight = WeightModulation(2, num_outputs=2, modulation_dim=1)
    weight(tf.zeros([1, 1, 1]))
    set_trunk(weight)
    set_weights(weight.head, [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], [0.0] * 6)
    weights, bias = weight(tf.constant([[[1.0]]]))
    # The trunk is 7: two rows of two weights, then two biases.
    np.testing.assert_array_equal(weights, [[[[7.0, 14.0], [21.0, 28.0]]]])
    np.testing.assert_array_equal(bias, [[[35.0, 42.0]]])


def test_weight_starts_as_a_small_last_layer_that_is_not_modulated():
    tf.keras.utils.set_random_seed(0)
    weight = WeightModulation(16)
    weights, bias = weight(tf.zeros([1, 1, 3]))
    # A hybrid context of 0 leaves the bias of the head: a tenth of Glorot's limit,
    # sqrt(6 / (16 + 1)) = 0.594.
    assert 0.0 < np.abs(weights).max() < 0.0595
    assert np.abs(bias).max() < 0.0595


@pytest.fixture
def routes():
    """Two layers of two modules; logits 0, log 3, log 3 and 0 out of the first."""

    def build(axis):
        modulation = RouteModulation(2, 2, modulation_dim=1, axis=axis)
        modulation(tf.zeros([1, 1, 1]))
        set_trunk(modulation)
        log3 = np.log(3.0)
        set_weights(modulation.heads[0], np.zeros([1, 4]), [0.0, log3, 0.0, 0.0])
        set_weights(modulation.heads[1], [[1.0, 0.0]], [-7.0 + log3, 0.0])
        return modulation

    return build


def test_routes_into_a_module_sum_to_1_over_the_source(routes):
    between, last = routes("source")(tf.constant([[[1.0]]]))
    # Eq. 12. Logits by source and target [[0, log 3], [0, 0]]: into target 0 1:1, into
    # target 1 3:1. Out of the last layer log 3 to 0, so 3:1.
    np.testing.assert_allclose(between, [[[[0.5, 0.75], [0.5, 0.25]]]], rtol=1e-6)
    np.testing.assert_allclose(last, [[[0.75, 0.25]]], rtol=1e-6)


def test_routes_out_of_a_module_sum_to_1_over_the_target(routes):
    between, last = routes("target")(tf.constant([[[1.0]]]))
    # Out of source 0 1:3, out of source 1 1:1; the last layer has one target.
    np.testing.assert_allclose(between, [[[[0.25, 0.75], [0.5, 0.5]]]], rtol=1e-6)
    np.testing.assert_allclose(last, [[[0.75, 0.25]]], rtol=1e-6)


def test_routes_of_each_layer_read_the_trunk_at_their_own_depth(routes):
    modulation = routes("source")
    set_weights(modulation.heads[0], [[0.0, 1.0, 0.0, 0.0]], [0.0, -3.0, 0.0, 0.0])
    between, _ = modulation(tf.constant([[[1.0]]]))
    # The trunk at depth 1 is 3: a logit of 3 - 3 = 0, so all routes are alike.
    np.testing.assert_allclose(between, np.full([1, 1, 2, 2], 0.5))


def test_refuses_an_axis_it_does_not_know():
    with pytest.raises(ValueError, match="'source' or 'target', got 'column'"):
        RouteModulation(2, 2, axis="column")
