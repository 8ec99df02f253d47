"""Means over tasks with an interval, from resampled tasks.

NumPy only, so that anyone can recompute every figure from the stored scores.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_CONFIDENCE = 0.95
# Resampled tasks held at once: 8 MB of indices whatever the number of tasks.
_MAX_DRAWS = 2**20


@dataclasses.dataclass(frozen=True)
class Interval:
    """A mean over tasks and its 95 % bootstrap interval.

    Attributes:
        mean: Mean over tasks.
        low: 2.5th percentile of the resampled means.
        high: 97.5th percentile.
    """

    mean: float
    low: float
    high: float


def bootstrap_mean(values: ArrayLike, seed: int, num_resamples: int = 1000) -> Interval:
    """Returns the mean over tasks and the percentile interval of resampled tasks.

    Args:
        values: float [T], one metric; tasks with NaN are left out.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Returns:
        The mean and its 95 % interval.

    Raises:
        ValueError: If no task has a value, or there is no resample.
    """
    numbers = np.asarray(values, np.float64)
    defined = numbers[~np.isnan(numbers)]
    if numbers.ndim != 1 or not defined.size:
        raise ValueError(
            "values must be a vector with at least one task that is not NaN, "
            f"got shape {numbers.shape} with {defined.size} such tasks."
        )
    return resampled_interval(
        defined[:, np.newaxis],
        lambda sums: sums[..., 0] / defined.size,
        seed,
        num_resamples,
    )


def resampled_interval(
    columns: Floats,
    statistic: Callable[[Floats], Floats],
    seed: int,
    num_resamples: int,
) -> Interval:
    """Returns a statistic of sums over tasks, and its interval over resampled tasks.

    Args:
        columns: float [T, C], what is summed over tasks.
        statistic: From sums [..., C] to the statistic [...].
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Raises:
        ValueError: If there is no resample.
    """
    if num_resamples < 1:
        raise ValueError(f"num_resamples must be at least 1, got {num_resamples}.")
    num_tasks = len(columns)
    rng = np.random.default_rng(seed)
    statistics = np.empty(num_resamples)
    step = max(1, _MAX_DRAWS // columns.size)
    for start in range(0, num_resamples, step):
        stop = min(start + step, num_resamples)
        drawn = rng.integers(num_tasks, size=(stop - start, num_tasks))
        statistics[start:stop] = statistic(columns.take(drawn, axis=0).sum(axis=1))
    tail = (1.0 - _CONFIDENCE) / 2.0
    low, high = np.quantile(statistics, [tail, 1.0 - tail])
    return Interval(float(statistic(columns.sum(axis=0))), float(low), float(high))


def paired_difference(
    a: ArrayLike, b: ArrayLike, seed: int, num_resamples: int = 1000
) -> Interval:
    """Returns the mean of a - b over tasks, both resampled by the same tasks.

    Pairing removes what makes tasks easy or hard for both methods.

    Args:
        a: float [T], one metric of one method.
        b: float [T], the same metric of another method on the same tasks.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Returns:
        The mean difference and its 95 % interval; tasks where either is NaN are left
        out.

    Raises:
        ValueError: If the shapes differ, or as in `bootstrap_mean`.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape:
        raise ValueError(
            f"a and b must be of the same tasks, got {first.shape} and {second.shape}."
        )
    return bootstrap_mean(first - second, seed, num_resamples)
