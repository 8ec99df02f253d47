"""A dense layer over inputs that come in parts."""

from collections.abc import Sequence
from typing import Any

from models.legacy_keras import tf


class PartwiseDense(tf.keras.layers.Layer):
    """Projects several parts as if they were concatenated, and never does so.

    A part that is alike at all positions is given once and projected once, which saves
    most of the work where a user stands beside each of their items.

    Args:
        units: Width of the output.
        activation: As of `tf.keras.layers.Dense`.

    Call arguments:
        parts: One or several float32 [B, S, D_i], or [B, 1, D_i] if alike at all
            positions.

    Returns:
        float32 [B, S, units].
    """

    def __init__(
        self, units: int, *, activation: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = tf.keras.activations.get(activation)

    def build(self, input_shape: Any) -> None:
        """Creates one kernel for all parts."""
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        self.part_dims = [shape[-1] for shape in shapes]
        self.kernel = self.add_weight("kernel", [sum(self.part_dims), self.units])
        self.bias = self.add_weight("bias", [self.units], initializer="zeros")
        super().build(input_shape)

    def call(self, parts: tf.Tensor | Sequence[tf.Tensor]) -> tf.Tensor:
        """Adds up the projections of the parts."""
        kernels = tf.split(self.kernel, self.part_dims)
        projected = tf.convert_to_tensor(self.bias)
        for part, kernel in zip(tf.nest.flatten(parts), kernels, strict=True):
            projected += part @ kernel  # [B, 1, units] until a part has all positions.
        return self.activation(projected)
