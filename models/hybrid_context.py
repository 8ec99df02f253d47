"""Hybrid context generators: the context embedding seen from one query pair."""

from models.legacy_keras import tf


class DotHybrid(tf.keras.layers.Layer):
    """Multiplies the context embedding with the pair embedding, unit by unit.

    Call arguments:
        context: float32 [B, D], which must be as wide as a pair.
        pairs: float32 [B, Q, D], embedded query pairs.

    Returns:
        float32 [B, Q, D].

    Raises:
        ValueError: If the widths differ.

    Source:
        CMML (arXiv:2108.10511) Eq. 8, section 3.2.2, "dot".
    """

    def call(self, context: tf.Tensor, pairs: tf.Tensor) -> tf.Tensor:
        """Combines each pair with the context of its episode."""
        if context.shape[-1] != pairs.shape[-1]:
            raise ValueError(
                "the dot hybrid needs a context as wide as a pair, "
                f"got {context.shape[-1]} and {pairs.shape[-1]}."
            )
        return context[:, tf.newaxis, :] * pairs
