import numpy as np
import pytest

from models.legacy_keras import tf
from models.parts.gru import MaskedGRU, advance_gru, fold_gru

BATCH, STEPS, WIDTH, UNITS = 3, 5, 4, 2

MASKS = {
    "all real": [[1, 1, 1, 1, 1]] * BATCH,
    "padded behind": [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]],
    "padded in front": [[0, 0, 1, 1, 1], [0, 1, 1, 1, 1], [0, 0, 0, 0, 1]],
    "with holes": [[1, 0, 1, 0, 1], [0, 1, 0, 0, 1], [1, 0, 0, 1, 0]],
    "all padding": [[1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
}


def random_tensor(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


@pytest.fixture
def gru():
    """A layer whose weights, biases too, are all away from 0."""
    layer = MaskedGRU(UNITS)
    layer.build(tf.TensorShape([None, None, WIDTH]))
    for seed, weight in enumerate(layer.weights):
        weight.assign(random_tensor(*weight.shape, seed=seed))
    return layer


def stock_gru(gru):
    """The layer of Keras with the same weights."""
    cell = tf.keras.layers.GRUCell(UNITS, reset_after=True)
    layer = tf.keras.layers.RNN(cell)
    layer.build(tf.TensorShape([None, None, WIDTH]))
    cell.kernel.assign(gru.input_gates.kernel)
    cell.recurrent_kernel.assign(gru.recurrent)
    cell.bias.assign(tf.stack([gru.input_gates.bias, gru.recurrent_bias]))
    return layer


def value_and_gradients(layer, weights, inputs, mask):
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        state = layer(inputs, mask)
        # Weighted, so that no two entries of the state have the same gradient.
        loss = tf.reduce_sum(state * random_tensor(BATCH, UNITS, seed=9))
    return state, tape.gradient(loss, [inputs, *weights])


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_equals_the_layer_of_keras_in_value_and_gradients(gru, mask):
    stock = stock_gru(gru)
    inputs, mask = random_tensor(BATCH, STEPS, WIDTH), tf.constant(mask) > 0
    weights = [
        gru.input_gates.kernel,
        gru.recurrent,
        gru.input_gates.bias,
        gru.recurrent_bias,
    ]
    state, gradients = value_and_gradients(gru, weights, inputs, mask)
    stock_state, stock_gradients = value_and_gradients(
        lambda inputs, mask: stock(inputs, mask=mask),
        stock.trainable_variables,  # Kernel, recurrent kernel, both biases stacked.
        inputs,
        mask,
    )
    np.testing.assert_allclose(state, stock_state, atol=1e-6)
    *actual, bias, recurrent_bias = gradients
    actual.append(tf.stack([bias, recurrent_bias]))
    for one, other in zip(actual, stock_gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_gradient_is_that_of_finite_differences():
    rng = np.random.default_rng(0)
    present = tf.constant([[1, 1], [0, 1], [1, 0]], tf.float64)[..., tf.newaxis]
    arguments = [
        rng.normal(size=shape) for shape in ([3, 2, 3 * UNITS], [UNITS, 6], [6])
    ]
    by_hand, by_differences = tf.test.compute_gradient(
        lambda projected, recurrent, bias: fold_gru(
            projected, present, recurrent, bias
        ),
        arguments,
        delta=1e-6,
    )
    for one, other in zip(by_hand, by_differences, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-8)


def test_halves_the_way_to_the_candidate_and_stands_still_at_padding():
    gru = MaskedGRU(1)
    gru.build(tf.TensorShape([None, None, 1]))
    gru.input_gates.kernel.assign([[0.0, 0.0, 1.0]])
    gru.recurrent.assign(tf.zeros([1, 3]))
    inputs = tf.constant([[[np.arctanh(0.8)], [5.0], [np.arctanh(0.2)]]], tf.float32)
    # Update gate sigmoid(0) = 0.5, candidates 0.8 and 0.2: (0 + 0.8) / 2 = 0.4, again
    # 0.4 at the padding, then (0.4 + 0.2) / 2 = 0.3.
    mask = tf.constant([[True, False, True]])
    np.testing.assert_allclose(gru(inputs, mask), [[0.3]], rtol=1e-6)


def test_no_steps_leave_the_state_at_zero_and_no_gradient(gru):
    inputs, mask = tf.zeros([BATCH, 0, WIDTH]), tf.zeros([BATCH, 0], tf.bool)
    state, gradients = value_and_gradients(gru, gru.weights, inputs, mask)
    np.testing.assert_array_equal(state, np.zeros([BATCH, UNITS]))
    for gradient in gradients:
        np.testing.assert_array_equal(gradient, tf.zeros_like(gradient))


def test_one_graph_of_stock_ops_runs_any_number_of_steps(gru):
    graph = tf.function(gru, autograph=False).get_concrete_function(
        tf.TensorSpec([None, None, WIDTH]), tf.TensorSpec([None, None], tf.bool)
    )
    for steps in (0, 1, STEPS):
        inputs = random_tensor(BATCH, steps, WIDTH)
        mask = tf.ones([BATCH, steps], tf.bool)
        np.testing.assert_allclose(graph(inputs, mask), gru(inputs, mask), atol=1e-6)
    functions = graph.graph.as_graph_def().library.function
    ops = {node.op for function in functions for node in function.node_def}
    ops |= {op.type for op in graph.graph.get_operations()}
    assert "MatMul" in ops
    assert not [op for op in ops if "cudnn" in op.lower()]


def test_parts_count_as_if_they_were_concatenated():
    gru = MaskedGRU(3)
    once, each = (
        tf.random.normal([2, 1, 2], seed=1),
        tf.random.normal([2, 4, 5], seed=2),
    )
    mask = tf.sequence_mask([4, 2], 4)
    whole = tf.concat([tf.repeat(once, 4, axis=1), each], axis=-1)
    parts_state = gru([once, each], mask)
    other = MaskedGRU(3)
    other(whole, mask)
    other.set_weights(gru.get_weights())
    np.testing.assert_allclose(parts_state, other(whole, mask), atol=1e-6)


def recurrence(steps, seed=0):
    """Projected inputs, a mask with holes and the weights of a recurrence."""
    rng = np.random.default_rng(seed)
    shapes = [steps, BATCH, 3 * UNITS], [UNITS, 3 * UNITS], [3 * UNITS]
    projected, recurrent, bias = (
        tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes
    )
    present = tf.constant(rng.random([steps, BATCH, 1]) < 0.7)
    return projected, present, recurrent, bias


@pytest.mark.parametrize("steps", range(18))
def test_advancing_from_zeros_equals_folding(steps):
    projected, present, *weights = recurrence(steps)
    state = advance_gru(tf.zeros([BATCH, UNITS]), projected, present, *weights)
    folded = fold_gru(projected, tf.cast(present, tf.float32), *weights)
    np.testing.assert_allclose(state, folded, atol=1e-6)


@pytest.mark.parametrize("at", [0, 1, 7, 8, 9, 12])
def test_advancing_goes_on_from_a_given_state(at):
    projected, present, *weights = recurrence(12)
    nothing = tf.zeros([BATCH, UNITS])
    half = advance_gru(nothing, projected[:at], present[:at], *weights)
    state = advance_gru(half, projected[at:], present[at:], *weights)
    whole = advance_gru(nothing, projected, present, *weights)
    np.testing.assert_allclose(state, whole, atol=1e-6)
    assert np.abs(whole).min() > 1e-3


def test_advancing_over_padding_leaves_the_state_as_it_is():
    projected, present, *weights = recurrence(11)
    state = random_tensor(BATCH, UNITS, seed=5)
    # Not even large inputs or a large state open the gate.
    after = advance_gru(
        100.0 * state, 1e3 * projected, tf.zeros_like(present), *weights
    )
    np.testing.assert_array_equal(after, 100.0 * state)


def test_outside_of_training_the_layer_advances(gru):
    inputs, mask = random_tensor(BATCH, STEPS, WIDTH), tf.constant(MASKS["with holes"])
    mask = mask > 0
    in_training = gru(inputs, mask)
    np.testing.assert_allclose(
        gru(inputs, mask, training=False), in_training, atol=1e-6
    )
    half = gru(inputs[:, :2], mask[:, :2], training=False)
    state = gru(inputs[:, 2:], mask[:, 2:], half, training=False)
    np.testing.assert_allclose(state, in_training, atol=1e-6)


def test_one_graph_advances_by_any_number_of_steps(gru):
    graph = tf.function(lambda *inputs: gru(*inputs, training=False), autograph=False)
    graph = graph.get_concrete_function(
        tf.TensorSpec([None, None, WIDTH]),
        tf.TensorSpec([None, None], tf.bool),
        tf.TensorSpec([None, UNITS]),
    )
    start = random_tensor(BATCH, UNITS, seed=3)
    for steps in (0, 1, 8, 17):
        inputs = random_tensor(BATCH, steps, WIDTH)
        mask = tf.ones([BATCH, steps], tf.bool)
        expected = gru(inputs, mask, start, training=False)
        np.testing.assert_allclose(graph(inputs, mask, start), expected, atol=1e-6)


def test_a_batch_of_known_size_is_advanced_in_a_graph(gru):
    inputs, mask = random_tensor(1, STEPS, WIDTH), tf.ones([1, STEPS], tf.bool)
    graph = tf.function(
        lambda inputs: gru(inputs, mask, training=False), autograph=False
    )
    np.testing.assert_allclose(graph(inputs), gru(inputs, mask), atol=1e-6)


def test_training_starts_from_zeros(gru):
    inputs, mask = random_tensor(1, STEPS, WIDTH), tf.ones([1, STEPS], tf.bool)
    with pytest.raises(ValueError, match="training starts from zeros, got a state"):
        gru(inputs, mask, tf.zeros([1, UNITS]))
