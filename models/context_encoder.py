"""Context encoders: a support set of labelled pairs to one context embedding."""

from typing import Any

from models.gru import MaskedGRU
from models.legacy_keras import tf


class SequentialEncoder(tf.keras.layers.Layer):
    """Runs a GRU over the support set and maps its last state to the context.

    Order carries nothing if every training epoch brings a fresh permutation, which
    is how episodes are drawn. Padding is skipped wherever it stands.

    Args:
        context_dim: C, width of the context embedding.
        encoder_dim: H, units of the GRU and of the hidden layer behind it.
        label_dim: Width of the embedding of a label.

    Call arguments:
        pairs: float32 [B, S, D], embedded pairs, or parts of them as `MaskedGRU` takes.
        labels: float32 [B, S], standardised ratings, or 1/0 for click/no click.
        support_mask: bool [B, S], True for a real pair, False for padding.

    Returns:
        float32 [B, C]. Episodes without support all get the same learned vector.

    Source:
        CMML (arXiv:2108.10511) Eq. 7, section 3.2.1. Deviation: labels are part of
        each encoded pair, which the paper leaves out of its notation.
    """

    def __init__(
        self,
        context_dim: int,
        *,
        encoder_dim: int = 128,
        label_dim: int = 64,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.label_embedding = tf.keras.layers.Dense(
            label_dim, activation="relu", name="label_embedding"
        )
        self.gru = MaskedGRU(encoder_dim, name="gru")
        self.hidden = tf.keras.layers.Dense(
            encoder_dim, activation="relu", name="hidden"
        )
        self.projection = tf.keras.layers.Dense(context_dim, name="projection")

    def call(
        self,
        pairs: tf.Tensor | list[tf.Tensor],
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> tf.Tensor:
        """Encodes the pairs one after the other."""
        embedded = self.label_embedding(labels[..., tf.newaxis])  # [B, S, label_dim]
        state = self.gru([*tf.nest.flatten(pairs), embedded], support_mask)  # [B, H]
        return self.projection(self.hidden(state))
