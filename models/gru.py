"""A GRU over padded sets, built from stock ops only."""

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
        shape = [self.units, 3 * self.units]
        self.kernel = self.add_weight("kernel", [input_shape[-1], 3 * self.units])
        self.recurrent = self.add_weight("recurrent", shape, initializer="orthogonal")
        self.bias = self.add_weight("bias", [3 * self.units], initializer="zeros")
        self.recurrent_bias = self.add_weight(
            "recurrent_bias", [3 * self.units], initializer="zeros"
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Folds the positions into one state, first to last."""
        steps = tf.transpose(inputs @ self.kernel + self.bias, [1, 0, 2])  # [S, B, 3H]
        present = tf.transpose(mask)[..., tf.newaxis]  # [S, B, 1]
        num_steps = tf.shape(steps)[0]

        def step(t: tf.Tensor, state: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return t + 1, tf.where(present[t], self._next(state, steps[t]), state)

        state = tf.zeros([tf.shape(inputs)[0], self.units], inputs.dtype)
        shapes = (tf.TensorShape([]), tf.TensorShape([None, self.units]))
        return tf.while_loop(
            lambda t, _: t < num_steps, step, (0, state), shape_invariants=shapes
        )[1]

    def _next(self, state: tf.Tensor, projected: tf.Tensor) -> tf.Tensor:
        update_x, reset_x, candidate_x = tf.split(projected, 3, axis=-1)
        recurrent = state @ self.recurrent + self.recurrent_bias
        update_h, reset_h, candidate_h = tf.split(recurrent, 3, axis=-1)
        update = tf.sigmoid(update_x + update_h)
        candidate = tf.tanh(candidate_x + tf.sigmoid(reset_x + reset_h) * candidate_h)
        return update * state + (1.0 - update) * candidate
