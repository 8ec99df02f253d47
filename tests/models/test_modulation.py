import numpy as np

from models.legacy_keras import tf
from models.modulation import FiLMModulation


def set_weights(layer, kernel, bias):
    layer.set_weights([np.array(kernel), np.array(bias)])


def test_each_head_reads_the_trunk_at_its_own_depth():
    film = FiLMModulation([1, 1], modulation_dim=1)
    film(tf.zeros([1, 1, 1]))
    set_weights(film.trunk[0], [[2.0]], [1.0])
    set_weights(film.trunk[1], [[-1.0]], [10.0])
    set_weights(film.heads[0], [[1.0, 2.0]], [0.0, 0.5])
    set_weights(film.heads[1], [[3.0, 4.0]], [0.25, 0.0])
    (scale_0, shift_0), (scale_1, shift_1) = film(tf.constant([[[1.0], [-5.0]]]))
    # Trunk: relu(2 * 1 + 1) = 3 and relu(-3 + 10) = 7; for the second pair
    # relu(2 * -5 + 1) = 0 and relu(0 + 10) = 10. Scales get the offset of 1.
    np.testing.assert_array_equal(scale_0[0], [[1 * 3 + 1.0], [1.0]])
    np.testing.assert_array_equal(shift_0[0], [[2 * 3 + 0.5], [0.5]])
    np.testing.assert_array_equal(scale_1[0], [[3 * 7 + 0.25 + 1], [3 * 10 + 1.25]])
    np.testing.assert_array_equal(shift_1[0], [[4 * 7], [4 * 10]])


def test_there_is_a_scale_and_a_shift_for_every_unit_of_every_layer():
    modulation = FiLMModulation([5, 3, 2])(tf.zeros([2, 4, 6]))
    assert [(scale.shape, shift.shape) for scale, shift in modulation] == [
        ([2, 4, units], [2, 4, units]) for units in (5, 3, 2)
    ]


def test_without_an_offset_the_scale_is_the_head_itself():
    film = FiLMModulation([2], scale_offset=0.0)
    ((scale, shift),) = film(tf.zeros([1, 1, 3]))  # Biases are 0 at first.
    np.testing.assert_array_equal(scale, [[[0.0, 0.0]]])
    np.testing.assert_array_equal(shift, [[[0.0, 0.0]]])
