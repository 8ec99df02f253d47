"""A dense layer over inputs that come in parts."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from models.legacy_keras import tf

# What is alike at all positions is [B, 1, D_i], other parts are [B, S, D_i]; a single
# tensor is one part.
Parts: TypeAlias = tf.Tensor | Sequence[tf.Tensor]


class PartwiseDense(tf.keras.layers.Layer):
    """Projects several parts as if they were concatenated, and never does so.

    A part that is alike at all positions is given once and projected once, which saves
    most of the work where a user stands beside each of their items.

    Args:
        units: Width of the output.
        activation: As of `tf.keras.layers.Dense`.

    Call arguments:
        parts: As `project` takes them.

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
        width = sum(shape[-1] for shape in shapes)
        self.kernel = self.add_weight("kernel", [width, self.units])
        self.bias = self.add_weight("bias", [self.units], initializer="zeros")
        super().build(input_shape)

    def call(self, parts: Parts) -> tf.Tensor:
        """Adds up the projections of the parts."""
        return self.activation(project(parts, self.kernel, self.bias))


def project(parts: Parts, kernel: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Projects parts as if they were concatenated.

    Args:
        parts: One or several float32 [B, S, D_i], or [B, 1, D_i] if alike at all
            positions.
        kernel: float32 [D, units], D being the sum of all D_i.
        bias: float32 [units].

    Returns:
        float32 [B, S, units].
    """
    parts = [part for part in tf.nest.flatten(parts) if part.shape[-1]]
    widths = [part.shape[-1] for part in parts]
    kernels = tf.split(kernel, widths) if len(parts) > 1 else [kernel] * len(parts)
    projected = tf.convert_to_tensor(bias)
    for part, part_kernel in zip(parts, kernels, strict=True):
        # [B, 1, units] until a part has all positions.
        projected += _product(part, part_kernel)
    return projected


def _product(part: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Multiplies [B, S, D] by [D, units] at once, where `matmul` takes B products."""
    if part.shape[1] == 1:
        return tf.expand_dims(tf.squeeze(part, axis=1) @ kernel, axis=1)
    if part.shape[2] == 1:
        return part * kernel
    return tf.einsum("bsd,du->bsu", part, kernel)
