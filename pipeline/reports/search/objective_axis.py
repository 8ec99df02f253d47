"""The objective of a search as an axis of a figure."""

from __future__ import annotations

import dataclasses

from tuning.outliers import worst_counted
from tuning.results import SearchResults

_MARGIN = 0.06


@dataclasses.dataclass(frozen=True)
class ObjectiveAxis:
    """From the best trial to the worst, but for those so bad that they hide the others.

    Attributes:
        label: What is shown, its unit, and which way is better.
        low: Lower end.
        high: Upper end.
        num_beyond: Trials that are worse than the axis reaches.
    """

    label: str
    low: float
    high: float
    num_beyond: int

    def clip(self, value: float) -> float:
        """Returns a value, or the end of the axis that it lies beyond."""
        return min(max(value, self.low), self.high)

    def is_beyond(self, value: float) -> bool:
        """Whether a value lies beyond an end."""
        return value != self.clip(value)


def objective_axis(results: SearchResults) -> ObjectiveAxis:
    """Makes the axis, which reaches as far as trials are told apart."""
    trials = results.best_first()
    objectives = [t.objective for t in trials if t.objective is not None]
    sign = 1.0 if results.minimise else -1.0
    costs = [sign * objective for objective in objectives]  # The lowest is the best.
    best = costs[0]
    worst = sign * worst_counted(objectives, minimise=results.minimise)
    margin = _MARGIN * (worst - best) or 0.01 * abs(best) or 0.01
    ends = sorted((sign * (best - margin), sign * (worst + margin)))
    return ObjectiveAxis(
        label=_label(results),
        low=ends[0],
        high=ends[1],
        num_beyond=sum(cost > worst + margin for cost in costs),
    )


def _label(results: SearchResults) -> str:
    unit = f", {results.unit}" if results.unit else ""
    side = "lower" if results.minimise else "higher"
    return f"{results.metric}{unit} ({side} is better)"
