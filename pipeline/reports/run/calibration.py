"""Whether predicted labels mean what they say, and what is left over."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from models.evaluation.intervals import Floats, Interval, resampled_interval
from models.evaluation.scored_pairs import ScoredPairs

_NUM_BINS = 10
_ALIKE = 1e-6  # Scores that differ by less have no slope.


@dataclasses.dataclass(frozen=True)
class Bin:
    """The pairs that are predicted alike.

    Attributes:
        num_pairs: Pairs.
        score: Mean score.
        label: Mean label and its interval over tasks.
    """

    num_pairs: int
    score: float
    label: Interval


@dataclasses.dataclass(frozen=True)
class Calibration:
    """How scores and labels go together.

    Attributes:
        bins: Tenths of the pairs by score, the lowest first.
        bias: Mean of score less label, over pairs.
        slope: Of the straight line of labels by scores; 1 is right, below 1 scores are
            too far apart, above 1 too close together. None if they are all alike.
        error: Mean distance of score and label of the bins, weighted by their pairs.
        by_label: By label, mean of score less label; empty if labels are many.
    """

    bins: Sequence[Bin]
    bias: Interval
    slope: Interval | None
    error: float
    by_label: dict[float, float]


def calibration(
    rows: ScoredPairs, num_tasks: int, seed: int, num_resamples: int
) -> Calibration:
    """Compares scores with labels.

    Args:
        rows: Pairs with label and score.
        num_tasks: All tasks.
        seed: Of the resampling of tasks.
        num_resamples: Of the tasks behind each interval.
    """
    assert rows.label is not None  # Only of rated pairs.
    label, score = rows.label.astype(np.float64), rows.score.astype(np.float64)

    def sums(*columns: Floats) -> Floats:
        """Sums over the pairs of each task that has one, [T, C]."""
        totals = np.zeros((num_tasks, len(columns)))
        for place, values in enumerate(columns):
            np.add.at(totals[:, place], rows.task, values)
        present = np.bincount(rows.task, minlength=num_tasks) > 0
        return np.asarray(totals[present])

    def interval(columns: Floats) -> Interval:
        """The first sum by the second."""
        return resampled_interval(
            columns,
            lambda totals: totals[..., 0] / totals[..., 1],
            seed,
            num_resamples,
        )

    one: Floats = np.ones(len(score))
    order = np.argsort(score, kind="stable")
    bins = []
    for part in np.array_split(order, min(_NUM_BINS, len(order))):
        inside: Floats = np.zeros(len(score))
        inside[part] = 1.0
        totals = sums(label * inside, inside)
        some = totals[totals[:, 1] > 0]  # So that no resample is empty.
        bins.append(Bin(len(part), float(score[part].mean()), interval(some)))
    slope = None
    if np.ptp(score) > _ALIKE:
        slope = resampled_interval(
            sums(one, score, label, score * score, score * label),
            _slope,
            seed,
            num_resamples,
        )
    values = np.unique(label)
    by_label = {
        float(value): float((score - label)[label == value].mean())
        for value in (values if len(values) <= _NUM_BINS else ())
    }
    return Calibration(
        bins=bins,
        bias=interval(sums(score - label, one)),
        slope=slope,
        error=sum(b.num_pairs * abs(b.score - b.label.mean) for b in bins) / len(score),
        by_label=by_label,
    )


def _slope(sums: Floats) -> Floats:
    """Returns the slope of labels by scores from sums [..., 5]."""
    count, score, label, squares, products = np.moveaxis(sums, -1, 0)
    spread = squares - score**2 / count
    slope: Floats = (products - score * label / count) / spread
    return slope
