"""A context encoder that weights what it knows of pairs by their labels."""

from typing import Any

from models.legacy_keras import tf
from models.parts.dense_parts import Parts

SHRINKAGE = 5.0  # Pairs of nothing that are added to each support set.


class MomentEncoder(tf.keras.layers.Layer):
    """Projects the sums of pairs, of labels, and of pairs weighted by their labels.

    A pair with a label above what was expected draws the context towards it, one with a
    label below pushes it away. A network of labelled pairs has to learn this product of
    the two, here it is given. Sums are independent of the order of the support set, and
    pairs can come in one after the other.

    Args:
        context_dim: C, width of the context embedding.
        dropout: Share of units of the sums dropped in training.

    Call arguments:
        pairs: float32 [B, S, D], embedded pairs, or parts of them as `PartwiseDense`
            takes them.
        labels: float32 [B, S], how far each label is from what was expected, in
            standard deviations of labels.
        support_mask: bool [B, S], True for a real pair, False for padding.
        training: Whether units are dropped.

    Attributes:
        can_advance: Whether `advance` adds pairs to a memory of earlier ones.
        memory_dim: Width of that memory: of the sums, and their number.

    Returns:
        float32 [B, C]. An episode without support gets the zero vector.

    Source:
        Koren, KDD 2008, section 4, asymmetric SVD: a user is a sum over their items,
        plain and weighted by how far labels are from what was expected. Deviation:
        divided by 5 more pairs than there are, and projected together.
    """

    can_advance = True

    def __init__(
        self, context_dim: int, *, dropout: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = tf.keras.layers.Dropout(dropout, rng_type="stateful")
        self.projection = tf.keras.layers.Dense(
            context_dim, use_bias=False, name="projection"
        )

    def build(self, input_shape: Any) -> None:
        """Learns how wide pairs are, and with them a memory."""
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        self._pair_dim = sum(shape[-1] for shape in shapes)
        self.memory_dim = 2 * self._pair_dim + 3
        super().build(input_shape)

    def call(
        self,
        pairs: Parts,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
        training: bool = False,
    ) -> tf.Tensor:
        """Adds up the real pairs and projects their sums."""
        moments = _moments(self._sums(pairs, labels, support_mask))
        return self.projection(self.dropout(moments, training=training))

    def advance(
        self,
        memory: tf.Tensor,
        pairs: Parts,
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> tf.Tensor:
        """Adds pairs to a memory, float32 [B, memory_dim], zeros before the first."""
        return memory + self._sums(pairs, labels, support_mask)

    def read(self, memory: tf.Tensor) -> tf.Tensor:
        """Returns the context of the pairs in a memory, float32 [B, C]."""
        return self.projection(_moments(memory))

    def _sums(
        self, pairs: Parts, labels: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Returns the memory of these pairs alone."""
        labels = tf.where(support_mask, labels, 0.0)
        one = tf.cast(support_mask, labels.dtype)
        weights = tf.stack([one, labels], axis=1)  # [B, 2, S]
        total = tf.reduce_sum(weights, axis=-1, keepdims=True)  # [B, 2, 1]
        sums = tf.concat(
            [
                # A part that is alike at all positions stands there once.
                total * part if part.shape[1] == 1 else weights @ part
                for part in tf.nest.flatten(pairs)
            ],
            axis=-1,
        )  # [B, 2, D]
        squares = tf.reduce_sum(tf.square(labels), axis=1, keepdims=True)
        of_pairs = tf.reshape(sums, [-1, 2 * self._pair_dim])
        return tf.concat([of_pairs, total[:, 1], squares, total[:, 0]], axis=-1)


def _moments(memory: tf.Tensor) -> tf.Tensor:
    """Divides sums by 5 more pairs than there are, whose number stands last."""
    num_pairs = memory[:, -1:]
    sums = memory[:, :-1] / (num_pairs + SHRINKAGE)
    return tf.concat([sums, tf.math.log(1.0 + num_pairs) / 3.0], axis=-1)
