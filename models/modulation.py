"""Modulation networks: a hybrid context to changes of the backbone, as values."""

from collections.abc import Sequence
from typing import Any

from models.legacy_keras import tf


class FiLMModulation(tf.keras.layers.Layer):
    """Scales and shifts every hidden unit of the backbone.

    A trunk of ReLU layers reads the hybrid context; the head of backbone layer l
    reads the trunk at depth l.

    Args:
        layer_dims: Units of each hidden layer of the backbone.
        modulation_dim: Units of each layer of the trunk.
        scale_offset: Added to every scale, so that 1 starts near no modulation.

    Call arguments:
        hybrid: float32 [B, Q, D].

    Returns:
        One (scale, shift) per hidden layer, each float32 [B, Q, units].

    Source:
        CMML (arXiv:2108.10511) Eq. 11, section 3.2.3. Deviation: the scale has an
        offset of 1, without which three layers nearly multiply the signal out.
    """

    def __init__(
        self,
        layer_dims: Sequence[int],
        *,
        modulation_dim: int = 64,
        scale_offset: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scale_offset = scale_offset
        dense = tf.keras.layers.Dense
        self.trunk = [
            dense(modulation_dim, activation="relu", name=f"trunk_{i}")
            for i in range(len(layer_dims))
        ]
        self.heads = [
            dense(2 * units, name=f"head_{i}") for i, units in enumerate(layer_dims)
        ]

    def call(self, hybrid: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """Returns the modulation of each layer."""
        modulation = []
        hidden = hybrid
        for trunk, head in zip(self.trunk, self.heads, strict=True):
            hidden = trunk(hidden)
            scale, shift = tf.split(head(hidden), 2, axis=-1)
            modulation.append((scale + self.scale_offset, shift))
        return modulation
