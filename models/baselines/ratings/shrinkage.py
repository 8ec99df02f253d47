"""Means pulled towards zero where little is known, of items and of support sets."""

import numpy as np
from numpy.typing import NDArray

from models.legacy_keras import tf


def check_strength(name: str, strength: float) -> float:
    """Returns the strength of a shrinkage.

    Args:
        name: Constructor argument it came by.
        strength: In pairs of value zero that are added to the given ones.

    Raises:
        ValueError: If it is not above 0: a mean of no pairs would not be a number.
    """
    if not strength > 0.0:
        raise ValueError(f"{name} must be above 0, got {strength}.")
    return strength


def shrunk_means(
    rows: NDArray[np.integer],
    values: NDArray[np.floating],
    num_rows: int,
    strength: float,
) -> NDArray[np.float64]:
    """Returns sum(values) / (count + strength) of each row.

    Args:
        rows: int [N], the row each value belongs to.
        values: float [N].
        num_rows: Number of rows.
        strength: Pairs of value zero that are added to each row, above 0.

    Returns:
        float64 [num_rows]; 0 for a row without values.
    """
    counts = np.bincount(rows, minlength=num_rows)
    return np.bincount(rows, values, minlength=num_rows) / (counts + strength)


def shrunk_support_mean(
    values: tf.Tensor, support_mask: tf.Tensor, strength: float
) -> tf.Tensor:
    """Returns sum(values) / (count + strength) of each support set.

    Args:
        values: float32 [B, S].
        support_mask: bool [B, S], False for padding.
        strength: Pairs of value zero that are added to each task, above 0.

    Returns:
        float32 [B]; 0 for a task without support.
    """
    total = tf.reduce_sum(tf.where(support_mask, values, 0.0), axis=1)
    return total / (tf.reduce_sum(tf.cast(support_mask, tf.float32), axis=1) + strength)
