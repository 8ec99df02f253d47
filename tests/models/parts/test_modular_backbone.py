import numpy as np
import pytest

from models.legacy_keras import tf
from models.parts.backbone import ModularBackbone


@pytest.fixture
def backbone():
    """Two layers of two modules of one unit."""
    backbone = ModularBackbone(1, num_layers=2, num_modules=2, module_dim=1, seed=0)
    backbone.kernels[0].assign([[[1.0]], [[2.0]]])
    backbone.biases[0].assign([[0.0], [-1.0]])
    backbone.kernels[1].assign([[[10.0]], [[-1.0]]])
    backbone.biases[1].assign([[0.0], [9.0]])
    backbone.last_kernel.assign([[2.0]])
    backbone.last_bias.assign([0.5])
    return backbone


def test_modules_are_mixed_by_the_routes(backbone):
    between = tf.constant([[[[0.75, 0.5], [0.25, 0.5]]]])  # Source first.
    last = tf.constant([[[0.5, 0.5]]])
    score = backbone(tf.constant([[[3.0]]]), [between, last])
    # Eq. 13. First layer, unrouted: relu(3) = 3 and relu(6 - 1) = 5. Into module 0
    # 0.75 * 3 + 0.25 * 5 = 3.5, into module 1 0.5 * 3 + 0.5 * 5 = 4. Second layer
    # relu(35) and relu(-4 + 9) = 5; mixed 0.5 * 35 + 0.5 * 5 = 20; 2 * 20 + 0.5.
    np.testing.assert_allclose(score, [[[40.5]]])


def test_each_pair_takes_its_own_route(backbone):
    alike = tf.fill([1, 2, 2, 2], 0.5)
    last = tf.constant([[[1.0, 0.0], [0.0, 1.0]]])
    scores = backbone(tf.constant([[[3.0], [3.0]]]), [alike, last])
    # Both modules of the second layer read 4: relu(40) and relu(-4 + 9) = 5.
    np.testing.assert_allclose(scores, [[[80.5], [10.5]]])


def test_routes_made_once_a_task_serve_all_its_pairs(backbone):
    routes = [tf.constant([[[[0.75, 0.5], [0.25, 0.5]]]]), tf.constant([[[0.5, 0.5]]])]
    scores = backbone(tf.constant([[[3.0], [3.0]]]), routes)
    np.testing.assert_allclose(scores, [[[40.5], [40.5]]])


def test_a_layer_alone_has_nothing_to_be_routed_between():
    backbone = ModularBackbone(2, num_layers=1, num_modules=3, module_dim=4, seed=0)
    score = backbone(tf.ones([1, 1, 2]), [tf.constant([[[1.0, 0.0, 0.0]]])])
    hidden = tf.nn.relu(tf.ones([1, 2]) @ backbone.kernels[0][0])
    np.testing.assert_allclose(score[0], hidden @ backbone.last_kernel, rtol=1e-6)


def test_several_numbers_come_out_for_each_pair():
    backbone = ModularBackbone(
        1, num_layers=1, num_modules=2, module_dim=1, num_outputs=2, seed=0
    )
    backbone.kernels[0].assign([[[1.0]], [[2.0]]])
    backbone.last_kernel.assign([[2.0, -1.0]])
    backbone.last_bias.assign([0.5, 1.0])
    # Modules 3 and 6, mixed 4.5: 2 * 4.5 + 0.5 and -4.5 + 1.
    outputs = backbone(tf.constant([[[3.0]]]), [tf.constant([[[0.5, 0.5]]])])
    np.testing.assert_allclose(outputs, [[[9.5, -3.5]]])


def test_refuses_routes_of_another_number_of_layers(backbone):
    with pytest.raises(ValueError, match=r"out of each of the 2 layers, got 1\."):
        backbone(tf.ones([1, 1, 1]), [tf.ones([1, 1, 2])])


def test_the_seed_decides_the_weights_and_modules_start_apart():
    first, again, other = (ModularBackbone(3, seed=seed) for seed in (7, 7, 100))
    for one, same, different in zip(
        first.kernels, again.kernels, other.kernels, strict=True
    ):
        np.testing.assert_array_equal(one, same)
        assert not np.allclose(one, different)
        assert not np.allclose(one[0], one[1])


def parts_and_whole():
    """Pairs of three units in parts, one alike at all positions, and concatenated."""
    once = tf.random.stateless_normal([2, 1, 1], [0, 3])
    each = tf.random.stateless_normal([2, 5, 2], [0, 4])
    return [once, each], tf.concat([tf.repeat(once, 5, axis=1), each], axis=-1)


def test_parts_of_pairs_count_as_if_they_were_concatenated():
    parts, whole = parts_and_whole()
    backbone = ModularBackbone(3, num_layers=2, num_modules=2, module_dim=4, seed=0)
    routes = [
        tf.random.stateless_normal([2, 5, 2, 2], [0, 1]),
        tf.random.stateless_normal([2, 1, 2], [0, 2]),
    ]
    np.testing.assert_allclose(
        backbone(parts, routes), backbone(whole, routes), atol=1e-5
    )
