"""Hybrid context generators: the context embedding seen from one query pair."""

from typing import Any

from models.legacy_keras import tf
from models.parts.dense_parts import Parts, PartwiseDense


class NoHybrid(tf.keras.layers.Layer):
    """Hands on the context as it is, the same for every pair of the task.

    Call arguments:
        context: float32 [B, C].
        pairs: Embedded query pairs, which are not looked at.

    Returns:
        float32 [B, 1, C], so that the modulation is computed once per task.

    Source:
        CMML (arXiv:2108.10511) section 4.4, the ablation without a hybrid context.
    """

    def call(self, context: tf.Tensor, pairs: Parts) -> tf.Tensor:
        """Gives the context the rank of pairs."""
        del pairs
        return tf.expand_dims(context, 1)


class DotHybrid(tf.keras.layers.Layer):
    """Multiplies the context embedding with the pair embedding, unit by unit.

    Call arguments:
        context: float32 [B, D], which must be as wide as a pair.
        pairs: float32 [B, Q, D], embedded query pairs, or parts of them as
            `PartwiseDense` takes them.

    Returns:
        The products, shaped as the pairs are.

    Raises:
        ValueError: If the widths differ.

    Source:
        CMML (arXiv:2108.10511) Eq. 8, section 3.3, "dot".
    """

    def call(self, context: tf.Tensor, pairs: Parts) -> Parts:
        """Combines each pair with the context of its episode."""
        parts = tf.nest.flatten(pairs)
        widths = [part.shape[-1] for part in parts]
        if context.shape[-1] != sum(widths):
            raise ValueError(
                "the dot hybrid needs a context as wide as a pair, "
                f"got {context.shape[-1]} and {sum(widths)}."
            )
        of_parts = tf.split(tf.expand_dims(context, 1), widths, axis=-1)
        products = [c * part for c, part in zip(of_parts, parts, strict=True)]
        return tf.nest.pack_sequence_as(pairs, products)


class MLPHybrid(tf.keras.layers.Layer):
    """Puts context and pair through a network of two layers.

    Args:
        hybrid_dim: Units of the hidden layer and of the result.

    Call arguments:
        context: float32 [B, C].
        pairs: float32 [B, Q, D], embedded query pairs, or parts of them as
            `PartwiseDense` takes them.

    Returns:
        float32 [B, Q, hybrid_dim].

    Source:
        CMML (arXiv:2108.10511) Eq. 8, section 3.3, "MLP": f([context; pair]).
    """

    def __init__(self, hybrid_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden = PartwiseDense(hybrid_dim, activation="relu", name="hidden")
        self.projection = PartwiseDense(hybrid_dim, name="projection")

    def call(self, context: tf.Tensor, pairs: Parts) -> tf.Tensor:
        """Combines each pair with the context of its episode."""
        parts = [tf.expand_dims(context, 1), *tf.nest.flatten(pairs)]
        return self.projection(self.hidden(parts))
