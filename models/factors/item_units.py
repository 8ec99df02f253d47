"""What collaborative filtering knows of the item of each pair."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from models.joined_parts import take_apart
from models.legacy_keras import tf


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
    def split(cls, units: tf.Tensor, widths: Sequence[int]) -> ItemUnits:
        """Takes apart what was looked up, float32 [..., sum of widths]."""
        factors, label, noise, of_set, shares, count = take_apart(units, widths)
        return cls(factors, label[..., 0], noise[..., 0], of_set, shares, count[..., 0])
