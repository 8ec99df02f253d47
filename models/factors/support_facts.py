"""What is known of items, and of a support set as a whole, in a few numbers."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from models.joined_parts import join, take_apart
from models.legacy_keras import tf

_STRENGTH = 5.0  # Pairs of no news added to each support set.


def num_facts(num_levels: int) -> int:
    """Returns T, how many numbers tell of a support set."""
    return num_levels + 4


def support_facts(
    surprise: tf.Tensor,
    labels: tf.Tensor,
    mask: tf.Tensor,
    levels: NDArray[np.float32],
    log_shares: tf.Tensor,
) -> tf.Tensor:
    """Returns what the support set is like, each number about 1 in size.

    Args:
        surprise: float32 [B, S], of each label by the other pairs, in deviations.
        labels: float32 [B, S].
        mask: float32 [B, S], 0 for padding.
        levels: float32 [L], the label levels.
        log_shares: float32 [L], of all pairs.

    Returns:
        float32 [B, T]: shares of label levels, half the log of 1 + the size of the
        set, and moments of the surprise.
    """
    size = tf.reduce_sum(mask, axis=1, keepdims=True)
    moments = [3.0 * surprise, tf.square(surprise) - 1.0, tf.abs(surprise)]
    columns = [tf.stack(moments, axis=-1)]
    if len(levels):
        distance = tf.abs(tf.expand_dims(labels, -1) - levels)
        nearest = tf.one_hot(tf.argmin(distance, axis=-1), len(levels))
        columns.insert(0, 3.0 * (nearest - tf.exp(log_shares)))
    total = tf.linalg.matvec(tf.concat(columns, axis=-1), mask, transpose_a=True)
    shares, of_surprise = take_apart(total / (size + _STRENGTH), [len(levels), 3])
    return join([shares, 0.5 * tf.math.log(1.0 + size), of_surprise])


def size_with_one_more(facts: tf.Tensor, num_levels: int) -> tf.Tensor:
    """Returns the size of the support set with one more pair, float32 [B, 1].

    Args:
        facts: float32 [B, T], as `support_facts` returns them.
        num_levels: L.
    """
    return tf.exp(2.0 * tf.expand_dims(facts[:, num_levels], 1))


class ItemUnits(NamedTuple):
    """What is known of the item of each pair.

    Attributes:
        factors: float32 [..., K].
        label: float32 [...], what an average user is expected to give.
        noise: float32 [...], variance of labels about their prediction.
        of_set: float32 [..., K], what having rated the item tells of a user.
        log_shares: float32 [..., L], log of the share of each label level, less that
            of all items.
        log_count: float32 [...], log of 1 + the pairs of the item.
    """

    factors: tf.Tensor
    label: tf.Tensor
    noise: tf.Tensor
    of_set: tf.Tensor
    log_shares: tf.Tensor
    log_count: tf.Tensor

    @staticmethod
    def widths(num_factors: int, num_levels: int) -> list[int]:
        """Returns the width of each part, in the order of `FactorFit.table`."""
        return [num_factors, 1, 1, num_factors, num_levels, 1]

    @classmethod
    def split(cls, units: tf.Tensor, widths: Sequence[int]) -> Self:
        """Takes apart what was looked up, float32 [..., sum of widths]."""
        factors, label, noise, of_set, shares, count = take_apart(units, widths)
        label, noise, count = (tf.squeeze(one, -1) for one in (label, noise, count))
        return cls(factors, label, noise, of_set, shares, count)
