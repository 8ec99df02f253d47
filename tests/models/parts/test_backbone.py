import numpy as np
import pytest

from models.legacy_keras import tf
from models.parts.backbone import Backbone, HeadlessBackbone


def unmodulated(*widths):
    return [(tf.ones([1, 1, units]), tf.zeros([1, 1, units])) for units in widths]


@pytest.fixture
def two_units():
    """A backbone of two hidden units: 10 * first + second + 3 is the score."""

    def build(**switches):
        backbone = Backbone(1, [2], seed=0, **switches)
        backbone.hidden.kernels[0].assign([[1.0, 1.0]])
        backbone.hidden.biases[0].assign([0.5, 0.0])
        backbone.last_kernel.assign([[10.0], [1.0]])
        backbone.last_bias.assign([3.0])
        return backbone

    return build


FILM = [(tf.constant([[[2.0, 3.0]]]), tf.constant([[[1.0, -20.0]]]))]
FOUR = tf.constant([[[4.0]]])


def test_scales_and_shifts_hidden_units_before_the_relu(two_units):
    # Units: relu(2 * (4 + 0.5) + 1) = 10 and relu(3 * 4 - 20) = 0; the score is
    # 10 * 10 + 1 * 0 + 3.
    np.testing.assert_allclose(two_units()(FOUR, FILM), [[[103.0]]])


def test_scales_and_shifts_hidden_units_after_the_relu(two_units):
    backbone = two_units(position="after_activation")
    # Units: 2 * relu(4.5) + 1 = 10 and 3 * relu(4) - 20 = -8: 100 - 8 + 3.
    np.testing.assert_allclose(backbone(FOUR, FILM), [[[95.0]]])


def test_leaky_relu_lets_a_hundredth_through(two_units):
    backbone = two_units(activation="leaky_relu")
    # Units: 10, and -8 / 100: 100 - 0.08 + 3.
    np.testing.assert_allclose(backbone(FOUR, FILM), [[[102.92]]])


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ({"activation": "gelu"}, "'relu' or 'leaky_relu', got 'gelu'"),
        ({"position": "before"}, "or 'after_activation', got 'before'"),
    ],
)
def test_refuses_a_switch_it_does_not_know(switch, message):
    with pytest.raises(ValueError, match=message):
        Backbone(1, [2], seed=0, **switch)


def test_a_change_may_be_a_scale_alone(two_units):
    # Units: relu(0.5 * 4.5) = 2.25 and relu(0.25 * 4) = 1: 22.5 + 1 + 3.
    scales = [(tf.constant([[[0.5, 0.25]]]),)]
    np.testing.assert_allclose(two_units()(FOUR, scales), [[[26.5]]])


def test_each_pair_is_bent_by_its_own_modulation():
    backbone = Backbone(1, [1], seed=0)
    backbone.hidden.kernels[0].assign([[1.0]])
    backbone.last_kernel.assign([[1.0]])
    film = [(tf.constant([[[1.0], [2.0]]]), tf.constant([[[0.0], [5.0]]]))]
    # The same pair 3 twice: 1 * 3 + 0 and 2 * 3 + 5.
    np.testing.assert_allclose(
        backbone(tf.constant([[[3.0], [3.0]]]), film), [[[3.0], [11.0]]]
    )


@pytest.mark.parametrize("num_given", [0, 1, 3])
def test_refuses_a_modulation_of_another_number_of_layers(num_given):
    backbone = Backbone(3, [4, 4], seed=0)
    film = unmodulated(*[4] * num_given)
    with pytest.raises(ValueError, match=rf"of the 2 hidden layers, got {num_given}\."):
        backbone(tf.ones([1, 1, 3]), film)


def test_the_seed_decides_the_weights():
    first, again, other = (
        Backbone(3, [3, 3], seed=seed).hidden.kernels for seed in (7, 7, 9)
    )
    for one, same, different in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.allclose(one, different)
    assert not np.allclose(*first)  # Of one shape, yet of two draws.


def test_scores_start_near_zero():
    backbone = Backbone(8, [16, 16], seed=0)
    # Glorot-uniform weights lie within sqrt(6 / (16 + 1)) = 0.594, a tenth here.
    assert np.abs(backbone.last_kernel).max() < 0.0595
    assert np.abs(backbone.hidden.kernels[1]).max() > 0.3  # Within sqrt(6 / 32).


def test_the_last_layer_may_come_from_outside():
    backbone = HeadlessBackbone(1, [2], seed=0)
    backbone.hidden.kernels[0].assign([[1.0, -1.0]])
    backbone.hidden.biases[0].assign([0.0, 5.0])
    weights = tf.constant([[[[1.0, 10.0]], [[2.0, 0.5]]]])
    bias = tf.constant([[[100.0], [200.0]]])
    # Eq. 9. Units of pair 4: relu(4) and relu(-4 + 5) = 1, so 4 + 10 + 100; of pair 8:
    # 8 and 0, so 16 + 0 + 200.
    np.testing.assert_allclose(
        backbone(tf.constant([[[4.0], [8.0]]]), (weights, bias)), [[[114.0], [216.0]]]
    )


def test_weights_made_once_a_task_serve_all_its_pairs():
    backbone = HeadlessBackbone(3, [4], seed=0)
    pairs = tf.random.stateless_normal([2, 5, 3], [0, 1])
    weights = tf.random.stateless_normal([2, 1, 3, 4], [0, 2]), tf.ones([2, 1, 3])
    repeated = tuple(tf.repeat(value, 5, axis=1) for value in weights)
    np.testing.assert_allclose(
        backbone(pairs, weights), backbone(pairs, repeated), rtol=1e-5
    )


def test_several_numbers_come_out_for_each_pair():
    backbone = Backbone(1, [2], num_outputs=2, seed=0)
    backbone.hidden.kernels[0].assign([[1.0, 1.0]])
    backbone.last_kernel.assign([[10.0, 1.0], [1.0, -1.0]])
    backbone.last_bias.assign([3.0, 0.5])
    # Units 2 * 4 + 1 = 9 and 0: 90 + 3 and 9 + 0.5.
    np.testing.assert_allclose(backbone(FOUR, FILM), [[[93.0, 9.5]]])
    headless = HeadlessBackbone(1, [2], seed=0)
    headless.hidden.kernels[0].assign([[1.0, 2.0]])
    weights = tf.constant([[[[1.0, 10.0], [2.0, 0.5]]]])
    # Units 4 and 8: 4 + 80 + 100, and 8 + 4 + 200.
    outputs = headless(FOUR, (weights, tf.constant([[[100.0, 200.0]]])))
    np.testing.assert_allclose(outputs, [[[184.0, 212.0]]])


def parts_and_whole():
    """Pairs of three units in parts, one alike at all positions, and concatenated."""
    once = tf.random.stateless_normal([2, 1, 1], [0, 3])
    each = tf.random.stateless_normal([2, 5, 2], [0, 4])
    return [once, each], tf.concat([tf.repeat(once, 5, axis=1), each], axis=-1)


def test_parts_of_pairs_count_as_if_they_were_concatenated():
    parts, whole = parts_and_whole()
    backbone = Backbone(3, [4, 4], seed=0)
    film = [
        (tf.random.stateless_normal([2, 5, 4], [1, i]), tf.ones([2, 1, 4]))
        for i in range(2)
    ]
    np.testing.assert_allclose(backbone(parts, film), backbone(whole, film), atol=1e-5)
    headless = HeadlessBackbone(3, [4], seed=0)
    weights = tf.random.stateless_normal([2, 1, 3, 4], [0, 2]), tf.ones([2, 1, 3])
    np.testing.assert_allclose(
        headless(parts, weights), headless(whole, weights), atol=1e-5
    )
