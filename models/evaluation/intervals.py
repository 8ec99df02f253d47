"""Means over tasks with an interval, from resampled tasks.

NumPy only, so that anyone can recompute every figure from the stored scores.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NO_DIFFERENCE = 1e-6  # Figures nearer than this are equal: it is below what is printed.

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
        num_tasks: Tasks that the mean is of; None where it is of something else.
    """

    mean: float
    low: float
    high: float
    num_tasks: int | None = None


# A mean of no task.
UNDEFINED = Interval(float("nan"), float("nan"), float("nan"), 0)


def bootstrap_mean(values: ArrayLike, seed: int, num_resamples: int = 1000) -> Interval:
    """Returns the mean over tasks and the percentile interval of resampled tasks.

    Args:
        values: float [T], one metric; tasks with NaN are left out.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Returns:
        The mean and its 95 % interval; `UNDEFINED` if no task has a value.

    Raises:
        ValueError: If values are no vector, or there is no resample.
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
    intervals = dict.fromkeys(by_size.pop(0, ()), UNDEFINED)
    for num_tasks, places in by_size.items():
        means = np.concatenate(
            [
                [defined[place].take(drawn).sum(axis=1) for place in places]
                for drawn in _draws(num_tasks, seed, num_resamples, _MAX_DRAWS)
            ],
            axis=1,
        )  # [vectors of that size, num_resamples]
        for place, of_one in zip(places, means / num_tasks, strict=True):
            value = float(defined[place].mean())
            intervals[place] = _interval(value, of_one, num_tasks)
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
    intervals = bootstrap_means([*metrics.values()], seed, num_resamples)
    by_name = dict(zip(metrics, intervals, strict=True))
    return {name: one for name, one in by_name.items() if one.num_tasks}


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

    Returns:
        The statistic; `UNDEFINED` without a task.

    Raises:
        ValueError: If there is no resample.
    """
    if not len(columns):
        return UNDEFINED
    draws = _draws(len(columns), seed, num_resamples, _MAX_DRAWS // columns.shape[1])
    statistics = np.concatenate(
        [statistic(columns.take(drawn, axis=0).sum(axis=1)) for drawn in draws]
    )
    value = float(statistic(columns.sum(axis=0)))
    return _interval(value, statistics, len(columns))


def resampled_means(values: Floats, seed: int, num_resamples: int) -> Floats:
    """Returns the means of resampled tasks, those behind `bootstrap_mean`.

    Args:
        values: float64 [T], not NaN.
        seed: Seed of the resampling.
        num_resamples: N, number of resampled sets of tasks.

    Returns:
        float64 [N].

    Raises:
        ValueError: If there is no resample.
    """
    draws = _draws(values.size, seed, num_resamples, _MAX_DRAWS)
    return np.concatenate([values[drawn].mean(axis=1) for drawn in draws])


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
        out, and it is `UNDEFINED` without any other.

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
    if numbers.ndim != 1:
        raise ValueError(
            f"values must be a vector, one a task, got shape {numbers.shape}."
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


def _interval(value: float, resampled: Floats, num_tasks: int) -> Interval:
    tail = (1.0 - _CONFIDENCE) / 2.0
    low, high = np.quantile(resampled, [tail, 1.0 - tail])
    return Interval(value, float(low), float(high), num_tasks)
