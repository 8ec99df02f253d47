"""A GRU over padded sets, built from stock ops only."""

from typing import Any

from models.legacy_keras import tf
from models.parts.dense_parts import PartwiseDense
from models.parts.gru_recurrence import advance_gru, fold_gru


class MaskedGRU(tf.keras.layers.Layer):
    """Gated recurrent unit whose state stands still at padding.

    The inputs of all positions are projected before the loop, and the graph holds no
    cuDNN op, so it is small and loads in any server.

    Args:
        units: H, width of the state.

    Call arguments:
        inputs: float32 [B, S, D], or parts of it as `PartwiseDense` takes them.
        support_mask: bool [B, S], False for padding.
        state: float32 [B, H], from which to go on if not in training; None for zeros.
        training: If true, with a gradient made for training; else the faster way.

    Returns:
        float32 [B, H], the state after the last real position; zeros if there is none.

    Source:
        Cho et al., 2014, in the variant that resets the state after its projection
        (`reset_after=True` of Keras).
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        # Gates are in the order update, reset, candidate.
        self.input_gates = PartwiseDense(3 * units, name="input_gates")

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        self.input_gates.build(input_shape)
        width = 3 * self.units
        self.recurrent = self.add_weight(
            "recurrent", [self.units, width], initializer="orthogonal"
        )
        self.recurrent_bias = self.add_weight(
            "recurrent_bias", [width], initializer="zeros"
        )
        super().build(input_shape)

    def call(
        self,
        inputs: tf.Tensor | list[tf.Tensor],
        support_mask: tf.Tensor,
        state: tf.Tensor | None = None,
        training: bool = True,
    ) -> tf.Tensor:
        """Folds the positions into one state, first to last."""
        projected, present = self._project(inputs, support_mask)
        weights = map(tf.convert_to_tensor, (self.recurrent, self.recurrent_bias))
        if training:
            if state is not None:
                raise ValueError("training starts from zeros, got a state.")
            return fold_gru(projected, tf.cast(present, projected.dtype), *weights)
        if state is None:
            state = tf.zeros([tf.shape(projected)[1], self.units])
        return advance_gru(state, projected, present, *weights)

    def _project(
        self, inputs: tf.Tensor | list[tf.Tensor], support_mask: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns inputs of the gates [S, B, 3H], and which are real [S, B, 1]."""
        projected = tf.transpose(self.input_gates(inputs), [1, 0, 2])
        return projected, tf.expand_dims(tf.transpose(support_mask), -1)
