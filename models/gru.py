"""A GRU over padded sets, built from stock ops only."""

from collections.abc import Callable
from typing import Any

from models.legacy_keras import tf


class MaskedGRU(tf.keras.layers.Layer):
    """Gated recurrent unit whose state stands still at padding.

    The inputs of all positions are projected in one matrix product before the loop,
    and the graph holds no cuDNN op, so it is small and loads in any server.

    Args:
        units: H, width of the state.

    Call arguments:
        inputs: float32 [B, S, D].
        mask: bool [B, S], False for padding.

    Returns:
        float32 [B, H], the state after the last real position; zeros if there is none.

    Source:
        Cho et al., 2014, in the variant that resets the state after its projection
        (`reset_after=True` of Keras).
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tf.TensorShape) -> None:
        """Creates the weights; gates are in the order update, reset, candidate."""
        width = 3 * self.units
        self.kernel = self.add_weight("kernel", [input_shape[-1], width])
        self.bias = self.add_weight("bias", [width], initializer="zeros")
        self.recurrent = self.add_weight(
            "recurrent", [self.units, width], initializer="orthogonal"
        )
        self.recurrent_bias = self.add_weight(
            "recurrent_bias", [width], initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, support_mask: tf.Tensor) -> tf.Tensor:
        """Folds the positions into one state, first to last."""
        projected = tf.transpose(inputs @ self.kernel + self.bias, [1, 0, 2])
        present = tf.cast(tf.transpose(support_mask), inputs.dtype)[..., tf.newaxis]
        return fold_gru(
            projected,  # [S, B, 3H]
            present,  # [S, B, 1]
            tf.convert_to_tensor(self.recurrent),
            tf.convert_to_tensor(self.recurrent_bias),
        )


@tf.custom_gradient
def fold_gru(
    projected: tf.Tensor,
    present: tf.Tensor,
    recurrent: tf.Tensor,
    recurrent_bias: tf.Tensor,
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, ...]]]:
    """Runs the recurrence, and knows its own gradient.

    The gradient keeps the states alone, recomputes all gates in one matrix product
    and gathers the weight gradients in another, so that its loop holds one product
    a step where automatic differentiation needs two.

    Args:
        projected: float32 [S, B, 3H], inputs times kernel plus bias, first step first.
        present: float32 [S, B, 1], 1 for a real position and 0 for padding.
        recurrent: float32 [H, 3H].
        recurrent_bias: float32 [3H].

    Returns:
        The last state, float32 [B, H]; the gradient function.
    """
    num_steps, batch_size = tf.shape(projected)[0], tf.shape(projected)[1]
    start = tf.zeros([batch_size, recurrent.shape[0]], projected.dtype)

    def step(t: tf.Tensor, state: tf.Tensor, states: tf.TensorArray) -> tuple[Any, ...]:
        update, _, candidate, _ = _gates(
            projected[t], tf.matmul(state, recurrent) + recurrent_bias
        )
        following = state + present[t] * (1.0 - update) * (candidate - state)
        return t + 1, following, states.write(t + 1, following)

    # One state more than steps, so that the array is never empty.
    states = tf.TensorArray(projected.dtype, num_steps + 1).write(0, start)
    _, last, states = tf.while_loop(
        lambda t, *_: t < num_steps, step, (0, start, states)
    )

    def gradient(last_gradient: tf.Tensor) -> tuple[tf.Tensor, ...]:
        before = states.stack()[:-1]  # [S, B, H], the state each step began with.
        update, reset, candidate, candidate_h = _gates(
            projected, tf.matmul(before, recurrent) + recurrent_bias
        )
        kept = 1.0 - present * (1.0 - update)
        to_candidate = present * (1.0 - update) * (1.0 - tf.square(candidate))
        to_update = present * (before - candidate) * update * (1.0 - update)
        to_reset = to_candidate * candidate_h * reset * (1.0 - reset)
        # Derivatives of a step's state by its recurrent projection, unit by unit.
        local = tf.concat([to_update, to_reset, to_candidate * reset], axis=-1)

        def step_back(
            t: tf.Tensor, upstream: tf.Tensor, upstreams: tf.TensorArray
        ) -> tuple[Any, ...]:
            by_projection = local[t] * tf.tile(upstream, [1, 3])
            following = upstream * kept[t] + tf.matmul(
                by_projection, recurrent, transpose_b=True
            )
            return t - 1, following, upstreams.write(t, following)

        upstreams = tf.TensorArray(projected.dtype, num_steps + 1)
        upstreams = upstreams.write(num_steps, last_gradient)
        _, _, upstreams = tf.while_loop(
            lambda t, *_: t >= 0, step_back, (num_steps - 1, last_gradient, upstreams)
        )
        upstream = upstreams.stack()[1:]  # [S, B, H], by the state each step left.
        by_recurrent = local * tf.tile(upstream, [1, 1, 3])  # [S, B, 3H]
        by_input = tf.concat(
            [to_update * upstream, to_reset * upstream, to_candidate * upstream], -1
        )
        flat = tf.reshape(by_recurrent, [-1, recurrent.shape[1]])
        rows = tf.reshape(before, [-1, recurrent.shape[0]])
        return (
            by_input,
            tf.zeros_like(present),
            tf.matmul(rows, flat, transpose_a=True),
            tf.reduce_sum(flat, axis=0),
        )

    return last, gradient


def _gates(
    projected: tf.Tensor, recurrent: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns update gate, reset gate, candidate and its recurrent part."""
    update_x, reset_x, candidate_x = tf.split(projected, 3, axis=-1)
    update_h, reset_h, candidate_h = tf.split(recurrent, 3, axis=-1)
    reset = tf.sigmoid(reset_x + reset_h)
    candidate = tf.tanh(candidate_x + reset * candidate_h)
    return tf.sigmoid(update_x + update_h), reset, candidate, candidate_h
