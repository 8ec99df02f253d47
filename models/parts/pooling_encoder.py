"""The context encoder that pools over labelled pairs."""

from typing import Any

from models.legacy_keras import tf
from models.options import Pooling
from models.parts.dense_parts import PartwiseDense
from models.parts.moment_encoder import SHRINKAGE


class PoolingEncoder(tf.keras.layers.Layer):
    """Encodes each labelled pair and pools over the support set.

    The pooling makes the context independent of the order of the support set. Padding
    takes no part in it, so an episode encodes alike alone and in a wider batch. Pairs
    can come in one after the other: what is remembered of them is the sum or the
    maximum of their encodings, and their number.

    Args:
        context_dim: C, width of the context embedding.
        encoder_dim: Units of the two hidden layers that encode one pair.
        label_dim: Width of the embedding of a label.
        pooling: "mean" or "max"; "shrunk_mean" is the sum over 5 more pairs than there
            are, so that the context of few pairs is small.

    Call arguments and attributes as of `MomentEncoder`, but that `training` changes
    nothing.

    Returns:
        float32 [B, C]. An episode without support gets the zero vector.

    Raises:
        ValueError: If `pooling` is unknown.

    Source:
        CMML (arXiv:2108.10511) Eq. 6, section 3.2.1. Deviation: labels are part of
        each encoded pair, which the paper leaves out of its notation.
    """

    def __init__(
        self,
        context_dim: int,
        *,
        encoder_dim: int = 128,
        label_dim: int = 64,
        pooling: Pooling = "mean",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if pooling not in ("mean", "max", "shrunk_mean"):
            raise ValueError(
                f"pooling must be 'mean', 'max' or 'shrunk_mean', got {pooling!r}."
            )
        self.pooling = pooling
        self.can_advance = True
        self.memory_dim = context_dim + 1
        self.label_embedding = PartwiseDense(
            label_dim, activation="relu", name="label_embedding"
        )
        self.first = PartwiseDense(encoder_dim, activation="relu", name="first")
        self.second = PartwiseDense(encoder_dim, activation="relu", name="second")
        self.projection = PartwiseDense(context_dim, name="projection")

    def call(
        self,
        pairs: tf.Tensor | list[tf.Tensor],
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Encodes each pair and pools over the real ones."""
        del training
        return self.read(self._pool(pairs, labels, support_mask))

    def advance(
        self,
        memory: tf.Tensor,
        pairs: tf.Tensor | list[tf.Tensor],
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> tf.Tensor:
        """Adds pairs to a memory, float32 [B, memory_dim], zeros before the first."""
        pooled, num_pairs = tf.split(memory, [self.memory_dim - 1, 1], axis=-1)
        more = self._pool(pairs, labels, support_mask)
        more_pooled, more_pairs = tf.split(more, [self.memory_dim - 1, 1], axis=-1)
        if self.pooling != "max":
            return memory + more
        highest = tf.maximum(pooled, more_pooled)
        highest = tf.where(num_pairs > 0.0, highest, more_pooled)
        highest = tf.where(more_pairs > 0.0, highest, pooled)
        return tf.concat([highest, num_pairs + more_pairs], axis=-1)

    def read(self, memory: tf.Tensor) -> tf.Tensor:
        """Returns the context of the pairs in a memory, float32 [B, C]."""
        pooled, num_pairs = tf.split(memory, [self.memory_dim - 1, 1], axis=-1)
        if self.pooling == "mean":
            return tf.math.divide_no_nan(pooled, num_pairs)
        if self.pooling == "shrunk_mean":
            return pooled / (num_pairs + SHRINKAGE)
        return pooled

    def _pool(
        self,
        pairs: tf.Tensor | list[tf.Tensor],
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> tf.Tensor:
        """Returns the memory of these pairs alone."""
        embedded = self.label_embedding(tf.expand_dims(labels, -1))  # [B, S, label_dim]
        hidden = self.second(self.first([*tf.nest.flatten(pairs), embedded]))
        encoded = self.projection(hidden)  # [B, S, C]
        present = tf.expand_dims(support_mask, -1)
        num_pairs = tf.reduce_sum(tf.cast(present, encoded.dtype), axis=1)
        if self.pooling != "max":
            pooled = tf.reduce_sum(tf.where(present, encoded, 0.0), axis=1)
        else:
            lowest = encoded.dtype.min
            highest = tf.reduce_max(tf.where(present, encoded, lowest), axis=1)
            pooled = tf.where(num_pairs > 0.0, highest, 0.0)
        return tf.concat([pooled, num_pairs], axis=-1)
