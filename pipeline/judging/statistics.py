"""Whether methods differ beyond chance, over tasks and over seeds."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.stats

from models.evaluation.intervals import (
    Interval,
    bootstrap_mean,
    paired_difference,
    resampled_means,
)
from models.evaluation.metric import has_few_tasks
from pipeline.judging.results import Floats

LEVEL = 0.05


@dataclasses.dataclass(frozen=True)
class Difference:
    """A method less another one on the same tasks.

    Attributes:
        interval: Mean difference and its 95 % bootstrap interval.
        p: Two-sided bootstrap p-value.
        holm_p: The same, corrected for the number of methods.
    """

    interval: Interval
    p: float
    holm_p: float

    @property
    def is_beyond_chance(self) -> bool:
        """Whether chance alone would rarely make such a difference."""
        return self.holm_p <= LEVEL


@dataclasses.dataclass(frozen=True)
class Standing:
    """How a method does against another one, task by task.

    Attributes:
        better: Share of tasks on which it is better, in [0, 1].
        worse: Share of tasks on which it is worse.
        mean: Mean difference.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        verdict: "better" or "worse" if the interval excludes 0, otherwise "even".
    """

    better: float
    worse: float
    mean: float
    low: float
    high: float
    verdict: str


def task_interval(
    values: Floats | None, seed: int, num_resamples: int
) -> Interval | None:
    """Returns the mean and its bootstrap interval over tasks.

    Args:
        values: float64 [T], NaN for a task without value; None if not known.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Returns:
        None if no task has a value.
    """
    if values is None or np.isnan(values).all():
        return None
    return bootstrap_mean(values, seed, num_resamples)


def seed_interval(values: Floats) -> Interval | None:
    """Returns the mean of the seeds' means and its 95 % t interval.

    It tells how far another seed may fall, on these tasks.

    Args:
        values: float64 [num_seeds, T], NaN for a task without value.

    Returns:
        None for one seed, or if no task has a value.
    """
    if len(values) < 2 or np.isnan(values).all():
        return None
    means = np.nanmean(values, axis=1)
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    reach = scipy.stats.t.ppf(1.0 - LEVEL / 2.0, len(means) - 1) * error
    mean = float(np.mean(means))
    return Interval(mean, float(mean - reach), float(mean + reach))


def p_value(differences: Floats, seed: int, num_resamples: int) -> float:
    """Returns the two-sided bootstrap p-value of a mean difference.

    Twice the share of resampled means on the rarer side of 0, the mean of the tasks
    themselves, which is on neither, counted among them: no finite number of resamples
    shows that there are none.

    Args:
        differences: float64 [T], not NaN.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Returns:
        A number in [2 / (num_resamples + 1), 1].
    """
    means = resampled_means(differences, seed, num_resamples)
    rarer = min(np.sum(means <= 0.0), np.sum(means >= 0.0))
    return float(min(1.0, 2.0 * (rarer + 1) / (num_resamples + 1)))


def p_of_interval(interval: Interval) -> float:
    """Returns the two-sided p-value of a mean difference, from its 95 % interval.

    That of a normal distribution as wide as the interval is on the side of 0: below
    0.05 wherever the interval excludes 0. Unlike a share of resampled means it has no
    least value, and so bears to be corrected for many comparisons.

    Args:
        interval: The mean difference.

    Returns:
        A number in [0, 1]; 1 for a difference of no task, or of too few to tell.
    """
    end = interval.low if interval.mean > 0.0 else interval.high
    is_told = not math.isnan(interval.mean) and not has_few_tasks(interval)
    if not is_told or interval.mean == 0.0:
        return 1.0
    if interval.mean == end:
        return 0.0
    z = scipy.stats.norm.ppf(1.0 - LEVEL / 2.0) * interval.mean / (interval.mean - end)
    return float(2.0 * scipy.stats.norm.sf(z))


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrects p-values for their number, by Holm's step-down method.

    The smallest of n counts n times, the next n - 1 times and so on; none becomes
    smaller than the one before it, nor larger than 1.

    Args:
        p_values: Numbers in [0, 1], in any order.

    Returns:
        The corrected ones, in the same order.

    Source:
        Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for place, n in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, (len(p_values) - place) * p_values[n])
        corrected[n] = min(1.0, largest)
    return corrected


def differences(
    methods: Mapping[str, Floats], base: Floats, seed: int, num_resamples: int
) -> dict[str, Difference]:
    """Compares each method with one other, corrected for their number.

    Args:
        methods: By name, float64 [T]; NaN for a task without value.
        base: float64 [T], of the method that the differences are taken to.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Returns:
        By name, method less base; methods without a task in common are left out.
    """
    gaps = {name: values - base for name, values in methods.items()}
    gaps = {name: gap[~np.isnan(gap)] for name, gap in gaps.items()}
    gaps = {name: gap for name, gap in gaps.items() if gap.size}
    raw = [p_value(gap, seed, num_resamples) for gap in gaps.values()]
    return {
        name: Difference(bootstrap_mean(gap, seed, num_resamples), p, corrected)
        for (name, gap), p, corrected in zip(gaps.items(), raw, holm(raw), strict=True)
    }


def standing(
    method: Floats | None,
    base: Floats | None,
    direction: int,
    seed: int,
    num_resamples: int,
) -> Standing | None:
    """Counts the tasks on which a method is better and worse than another one.

    Args:
        method: float64 [T]; NaN for a task without value; None if not known.
        base: float64 [T], alike, of the other method.
        direction: -1 if lower values are better, otherwise 1.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of tasks.

    Returns:
        None if no task has a value of both.
    """
    if method is None or base is None or np.isnan(method - base).all():
        return None
    gap = paired_difference(method, base, seed, num_resamples)
    signed = direction * (method - base)
    signed = signed[~np.isnan(signed)]
    verdict = "better" if direction * gap.mean > 0.0 else "worse"
    return Standing(
        better=float(np.mean(signed > 0.0)),
        worse=float(np.mean(signed < 0.0)),
        mean=gap.mean,
        low=gap.low,
        high=gap.high,
        verdict="even" if gap.low <= 0.0 <= gap.high else verdict,
    )
