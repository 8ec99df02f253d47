import numpy as np

from models.legacy_keras import tf
from models.parts.dense_parts import PartwiseDense, project


def test_adds_up_the_projections_of_the_parts():
    layer = PartwiseDense(1)
    user, items = tf.constant([[[2.0]]]), tf.constant([[[1.0, 3.0], [4.0, 5.0]]])
    layer([user, items])
    layer.kernel.assign([[10.0], [1.0], [-1.0]])
    layer.bias.assign([0.5])
    # 10 * 2 + 1 - 3 + 0.5 and 10 * 2 + 4 - 5 + 0.5.
    np.testing.assert_array_equal(layer([user, items]), [[[18.5], [19.5]]])


def test_parts_count_as_if_they_were_concatenated():
    rng = np.random.default_rng(0)
    user, items = (
        tf.constant(rng.normal(size=shape), tf.float32)
        for shape in ([2, 1, 3], [2, 4, 2])
    )
    layer = PartwiseDense(5, activation="relu")
    in_parts = layer([user, items])
    whole = tf.concat([tf.repeat(user, 4, axis=1), items], axis=-1)
    expected = tf.nn.relu(whole @ layer.kernel + layer.bias)
    np.testing.assert_allclose(in_parts, expected, atol=1e-6)
    assert (in_parts.numpy() == 0.0).any()  # Or the activation was not seen.


def test_a_part_without_width_changes_nothing():
    layer = PartwiseDense(2)
    pairs = tf.ones([1, 3, 2])
    layer([tf.zeros([1, 1, 0]), pairs])
    np.testing.assert_allclose(
        layer([tf.zeros([1, 1, 0]), pairs]), pairs @ layer.kernel + layer.bias
    )


def test_one_part_need_not_stand_in_a_list():
    layer = PartwiseDense(2)
    pairs = tf.constant([[[1.0, 2.0], [3.0, 4.0]]])
    np.testing.assert_array_equal(layer(pairs), layer([pairs]))


def test_projects_without_a_layer():
    once, each = tf.constant([[[2.0]]]), tf.constant([[[1.0], [4.0]]])
    kernel, bias = tf.constant([[10.0, 0.0], [1.0, -1.0]]), tf.constant([0.5, 0.0])
    # 10 * 2 + 1 + 0.5 and -1; 10 * 2 + 4 + 0.5 and -4.
    np.testing.assert_array_equal(
        project([once, each], kernel, bias), [[[21.5, -1.0], [24.5, -4.0]]]
    )


def test_what_is_alike_everywhere_stays_one_position():
    kernel, bias = tf.constant([[3.0]]), tf.constant([1.0])
    np.testing.assert_array_equal(
        project(tf.constant([[[2.0]]]), kernel, bias), [[[7.0]]]
    )
