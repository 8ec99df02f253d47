"""The context encoder that reads pairs in order."""

from typing import Any

from models.legacy_keras import tf
from models.options import MAX_ORDERS
from models.parts.dense_parts import PartwiseDense
from models.parts.gru import MaskedGRU

# Squares of 1, 2, 3, ... times the square root of a prime, modulo 1, are spread evenly
# and in no order that shows, another one for each prime.
_PRIMES = (3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0)


class SequentialEncoder(tf.keras.layers.Layer):
    """Runs a GRU over the support set and maps its last state to the context.

    Order carries nothing if every training epoch brings a fresh permutation, which
    is how episodes are drawn. Padding, which must be finite, is skipped wherever it
    stands. Outside of training the contexts of several fixed orders can be averaged:
    the order that the pairs came in, and others that depend on their number alone.

    Args:
        context_dim: C, width of the context embedding.
        encoder_dim: H, units of the GRU and of the hidden layer behind it.
        label_dim: Width of the embedding of a label.
        num_orders: Orders that are averaged outside of training, 1 to `MAX_ORDERS`.

    Call arguments and attributes as of `MomentEncoder`, but that with `training` only
    the given order is used, without averaging; the memory is the state of the GRU, and
    there is none if orders are averaged.

    Returns:
        float32 [B, C]. Episodes without support all get the same learned vector.

    Raises:
        ValueError: If `num_orders` is out of range.

    Source:
        CMML (arXiv:2108.10511) Eq. 7, section 3.2.2. Deviation: labels are part of
        each encoded pair, which the paper leaves out of its notation.
    """

    def __init__(
        self,
        context_dim: int,
        *,
        encoder_dim: int = 128,
        label_dim: int = 64,
        num_orders: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 1 <= num_orders <= MAX_ORDERS:
            raise ValueError(
                f"num_orders must be within [1, {MAX_ORDERS}], got {num_orders}."
            )
        self.num_orders = num_orders
        self.can_advance = num_orders == 1
        self.memory_dim = encoder_dim
        self.label_embedding = PartwiseDense(
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
        training: bool = False,
    ) -> tf.Tensor:
        """Encodes the pairs one after the other."""
        parts = self._parts(pairs, labels)
        if training or self.num_orders == 1:
            return self.read(self.gru(parts, support_mask, training=training))
        orders = fixed_orders(support_mask, self.num_orders)
        parts = [_reorder(part, orders) for part in parts]
        mask = _reorder(tf.expand_dims(support_mask, -1), orders)[..., 0]
        contexts = self.read(
            self.gru(parts, mask, training=False)
        )  # [B * num_orders, C]
        width = contexts.shape[-1]
        by_order = tf.reshape(contexts, [-1, self.num_orders, width])
        return tf.reduce_mean(by_order, axis=1)

    def advance(
        self,
        memory: tf.Tensor,
        pairs: tf.Tensor | list[tf.Tensor],
        labels: tf.Tensor,
        support_mask: tf.Tensor,
    ) -> tf.Tensor:
        """Adds pairs to a memory, float32 [B, memory_dim], zeros before the first."""
        parts = self._parts(pairs, labels)
        return self.gru(parts, support_mask, memory, training=False)

    def read(self, memory: tf.Tensor) -> tf.Tensor:
        """Returns the context of the pairs in a memory, float32 [B, C]."""
        return self.projection(self.hidden(memory))

    def _parts(
        self, pairs: tf.Tensor | list[tf.Tensor], labels: tf.Tensor
    ) -> list[tf.Tensor]:
        embedded = self.label_embedding(tf.expand_dims(labels, -1))  # [B, S, label_dim]
        return [*tf.nest.flatten(pairs), embedded]


def fixed_orders(support_mask: tf.Tensor, num_orders: int) -> tf.Tensor:
    """Orders the real pairs of each support set in several ways.

    An order depends on the number of real pairs alone, not on the padding among or
    behind them, so that padding changes no context.

    Args:
        support_mask: bool [B, S].
        num_orders: Number of orders, at least 1.

    Returns:
        int32 [B, num_orders, S], positions of the real pairs first; the first order is
        that in which they stand.
    """
    place = tf.cumsum(tf.cast(support_mask, tf.float64), axis=1)  # 1 for the first.
    place = tf.expand_dims(place, 1)
    roots = tf.sqrt(tf.constant(_PRIMES[: num_orders - 1], tf.float64))
    scattered = tf.math.floormod(place**2 * tf.expand_dims(roots, 1), 1.0)
    as_given = place / (1.0 + place)
    keys = tf.concat([as_given, scattered], axis=1)  # [B, num_orders, S], below 1.
    keys = tf.where(tf.expand_dims(support_mask, 1), keys, 1.0)  # Padding last.
    return tf.argsort(keys, axis=-1, stable=True)


def _reorder(part: tf.Tensor, orders: tf.Tensor) -> tf.Tensor:
    """Repeats [B, S, D] in each order, as [B * num_orders, S, D]; [B, 1, D] alike."""
    if part.shape[1] == 1:
        return tf.repeat(part, orders.shape[1], axis=0)
    reordered = tf.gather(part, orders, batch_dims=1)  # [B, num_orders, S, D]
    shape = tf.concat([[-1], tf.shape(part)[1:]], axis=0)
    return tf.reshape(reordered, shape)
