import numpy as np
import pytest

from models.backbone import Backbone
from models.legacy_keras import tf


def unmodulated(*widths):
    return [(tf.ones([1, 1, units]), tf.zeros([1, 1, units])) for units in widths]


def test_scales_and_shifts_hidden_units_before_the_relu():
    backbone = Backbone(1, [2], seed=0)
    backbone.kernels[0].assign([[1.0, 1.0]])
    backbone.biases[0].assign([0.5, 0.0])
    backbone.kernels[1].assign([[10.0], [1.0]])
    backbone.biases[1].assign([3.0])
    film = [(tf.constant([[[2.0, 3.0]]]), tf.constant([[[1.0, -20.0]]]))]
    # Units: relu(2 * (4 + 0.5) + 1) = 10 and relu(3 * 4 - 20) = 0; the score is
    # 10 * 10 + 1 * 0 + 3.
    np.testing.assert_allclose(backbone(tf.constant([[[4.0]]]), film), [[103.0]])


def test_each_pair_is_bent_by_its_own_modulation():
    backbone = Backbone(1, [1], seed=0)
    backbone.kernels[0].assign([[1.0]])
    backbone.kernels[1].assign([[1.0]])
    film = [(tf.constant([[[1.0], [2.0]]]), tf.constant([[[0.0], [5.0]]]))]
    # The same pair 3 twice: 1 * 3 + 0 and 2 * 3 + 5.
    np.testing.assert_allclose(
        backbone(tf.constant([[[3.0], [3.0]]]), film), [[3.0, 11.0]]
    )


@pytest.mark.parametrize("num_given", [0, 1, 3])
def test_refuses_a_modulation_of_another_number_of_layers(num_given):
    backbone = Backbone(3, [4, 4], seed=0)
    film = unmodulated(*[4] * num_given)
    with pytest.raises(ValueError, match=rf"of the 2 hidden layers, got {num_given}\."):
        backbone(tf.ones([1, 1, 3]), film)


def test_the_seed_decides_the_weights():
    first, again, other = (Backbone(3, [3, 3], seed=seed) for seed in (7, 7, 9))
    for one, same, different in zip(
        first.kernels, again.kernels, other.kernels, strict=True
    ):
        np.testing.assert_array_equal(one, same)
        assert not np.allclose(one, different)
    assert not np.allclose(*first.kernels[:2])  # Of one shape, yet of two draws.


def test_scores_start_near_zero():
    backbone = Backbone(8, [16, 16], seed=0)
    # Glorot-uniform weights lie within sqrt(6 / (16 + 1)) = 0.594, a tenth here.
    assert np.abs(backbone.kernels[-1]).max() < 0.0595
    assert np.abs(backbone.kernels[1]).max() > 0.3  # Within sqrt(6 / 32) = 0.433.


def test_holds_its_weights_as_trainable_variables():
    names = {v.name for v in Backbone(3, [4, 5], seed=0).trainable_variables}
    assert names == {f"{kind}_{i}:0" for kind in ("kernel", "bias") for i in range(3)}
