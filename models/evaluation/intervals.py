"""Means over tasks with an interval, from resampled tasks.

NumPy only, so that anyone can recompute every figure from the stored scores.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

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
    (interval,) = bootstrap_means([values], seed, num_resamples)
    return interval


def bootstrap_means(
    values: Sequence[ArrayLike], seed: int, num_resamples: int = 1000
) -> list[Interval]:
    """Returns `bootstrap_mean` of each of several vectors, in less time.

    Those that are of as many tasks share the draws, which take longer than the means.

    Args:
        values: float [T] each; tasks with NaN are left out.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Raises:
        ValueError: As in `bootstrap_mean`.
    """
    defined = [_defined(one) for one in values]
    by_size: dict[int, list[int]] = {}
    for place, numbers in enumerate(defined):
        by_size.setdefault(numbers.size, []).append(place)
    intervals: dict[int, Interval] = {}
    for num_tasks, places in by_size.items():
        means = np.concatenate(
            [
                [defined[place].take(drawn).sum(axis=1) for place in places]
                for drawn in _draws(num_tasks, seed, num_resamples, _MAX_DRAWS)
            ],
            axis=1,
        )  # [vectors of that size, num_resamples]
        for place, of_one in zip(places, means / num_tasks, strict=True):
            intervals[place] = _interval(float(defined[place].mean()), of_one)
    return [intervals[place] for place in range(len(defined))]


def metric_intervals(
    metrics: Mapping[str, Floats], seed: int, num_resamples: int
) -> dict[str, Interval]:
    """Returns the mean over tasks of each metric that any task has a value of.

    Args:
        metrics: float64 [T] by metric; NaN for a task without value.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.
    """
    known = {name: one for name, one in metrics.items() if not np.isnan(one).all()}
    intervals = bootstrap_means([*known.values()], seed, num_resamples)
    return dict(zip(known, intervals, strict=True))


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
    draws = _draws(len(columns), seed, num_resamples, _MAX_DRAWS // columns.shape[1])
    statistics = np.concatenate(
        [statistic(columns.take(drawn, axis=0).sum(axis=1)) for drawn in draws]
    )
    return _interval(float(statistic(columns.sum(axis=0))), statistics)


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


def _defined(values: ArrayLike) -> Floats:
    """Returns the values that are not NaN."""
    numbers = np.asarray(values, np.float64)
    defined: Floats = numbers[~np.isnan(numbers)]
    if numbers.ndim != 1 or not defined.size:
        raise ValueError(
            "values must be a vector with at least one task that is not NaN, "
            f"got shape {numbers.shape} with {defined.size} such tasks."
        )
    return defined


def _draws(
    num_tasks: int, seed: int, num_resamples: int, most: int
) -> Iterator[NDArray[np.int64]]:
    """Yields drawn tasks, int64 [some of the resamples, T], at most so many at once."""
    if num_resamples < 1:
        raise ValueError(f"num_resamples must be at least 1, got {num_resamples}.")
    rng = np.random.default_rng(seed)
    step = max(1, most // num_tasks)
    for start in range(0, num_resamples, step):
        size = min(step, num_resamples - start)
        yield rng.integers(num_tasks, size=(size, num_tasks))


def _interval(value: float, resampled: Floats) -> Interval:
    tail = (1.0 - _CONFIDENCE) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Interval(value, float(low), float(high))
