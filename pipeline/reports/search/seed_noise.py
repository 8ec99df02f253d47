"""How far trials lie apart by the luck of their seeds."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

import scipy.stats

from tuning.trial_result import TrialResult

_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class SeedNoise:
    """The luck of the seeds, in the unit of the metric.

    Attributes:
        spread: Standard deviation over seeds, pooled over the better half of the
            trials, since those that diverge have another.
        num_seeds: Seeds of a trial.
        freedom: Degrees of freedom that the spread was told from.
    """

    spread: float
    num_seeds: int
    freedom: int

    @property
    def least_gap(self) -> float:
        """The difference of two trials that luck makes in one case of twenty."""
        quantile = float(scipy.stats.t.ppf((1.0 + _CONFIDENCE) / 2.0, self.freedom))
        return quantile * self.spread * math.sqrt(2.0 / self.num_seeds)

    def is_within(self, one: TrialResult, other: TrialResult) -> bool:
        """Whether the objectives of two trials differ by no more than luck would."""
        assert one.objective is not None
        assert other.objective is not None
        return abs(one.objective - other.objective) <= self.least_gap


def seed_noise(best_first: Sequence[TrialResult]) -> SeedNoise | None:
    """Measures the luck of the seeds.

    Args:
        best_first: Completed trials, the best first, at least one.

    Returns:
        The noise; None if there is one seed, of which nothing can be told.
    """
    half = best_first[: math.ceil(len(best_first) / 2)]
    num_seeds = min(len(trial.scores) for trial in half)
    if num_seeds < 2:
        return None
    pooled = math.sqrt(statistics.fmean(trial.spread**2 for trial in half))
    return SeedNoise(pooled, num_seeds, len(half) * (num_seeds - 1))
