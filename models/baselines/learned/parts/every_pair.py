"""Every pair of some users and items, not laid out pair by pair; means over pairs."""

from typing import NamedTuple

from models.legacy_keras import tf


class EveryPair(NamedTuple):
    """What is seen of every pair of U users and P items of one task.

    A layer projects each user and each item once, where a row for each pair takes most
    of the work of a small network.

    Attributes:
        user: float32 [U, 1, D_u], the leading units of a pair.
        item: float32 [1, P, D_i], the units after them.
    """

    user: tf.Tensor
    item: tf.Tensor


def joined(pairs: tf.Tensor | EveryPair) -> tf.Tensor:
    """Returns every pair as rows, float32 [1, U * P, D_u + D_i]; a tensor as it is."""
    if not isinstance(pairs, EveryPair):
        return pairs
    shape = tf.stack([tf.shape(pairs.user)[0], tf.shape(pairs.item)[1]])
    parts = [
        tf.broadcast_to(part, tf.concat([shape, [part.shape[-1]]], axis=0))
        for part in pairs
    ]
    return in_a_row(tf.concat(parts, axis=-1))


def in_a_row(values: tf.Tensor) -> tf.Tensor:
    """Returns float32 [U, P, D] as [1, U * P, D]."""
    return tf.reshape(values, [1, -1, values.shape[-1]])
