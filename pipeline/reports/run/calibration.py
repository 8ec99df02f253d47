"""Whether predicted labels mean what they say, and what is left over."""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.evaluation.intervals import Floats, Interval, resampled_interval
from models.evaluation.scored_pairs import ScoredPairs

Statistic = Callable[[Floats], Floats]

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


def calibration(rows: ScoredPairs, seed: int, num_resamples: int) -> Calibration:
    """Compares scores with labels.

    Args:
        rows: Pairs with label and score.
        seed: Of the resampling of tasks.
        num_resamples: Of the tasks behind each interval.
    """
    assert rows.label is not None  # Only of rated pairs.
    label, score = rows.label.astype(np.float64), rows.score.astype(np.float64)
    one: Floats = np.ones(len(score))

    def interval(
        task: NDArray[np.integer], statistic: Statistic, *columns: Floats
    ) -> Interval:
        sums = _sums_by_task(task, columns)
        return resampled_interval(sums, statistic, seed, num_resamples)

    order = np.argsort(score, kind="stable")
    bins = [
        Bin(
            len(part),
            float(score[part].mean()),
            interval(rows.task[part], _ratio, label[part], one[part]),
        )
        for part in np.array_split(order, min(_NUM_BINS, len(order)))
    ]
    products = one, score, label, score * score, score * label
    is_sloped = np.ptp(score) > _ALIKE
    values = np.unique(label)
    return Calibration(
        bins=bins,
        bias=interval(rows.task, _ratio, score - label, one),
        slope=interval(rows.task, _slope, *products) if is_sloped else None,
        error=sum(b.num_pairs * abs(b.score - b.label.mean) for b in bins) / len(score),
        by_label={
            float(value): float((score - label)[label == value].mean())
            for value in (values if len(values) <= _NUM_BINS else ())
        },
    )


def _sums_by_task(task: NDArray[np.integer], columns: Sequence[Floats]) -> Floats:
    """Returns sums over the pairs of each task that has one, [T, C]."""
    _, place = np.unique(task, return_inverse=True)
    return np.stack([np.bincount(place, values) for values in columns], axis=1)


def _ratio(sums: Floats) -> Floats:
    """Returns the first sum by the second."""
    ratio: Floats = sums[..., 0] / sums[..., 1]
    return ratio


def _slope(sums: Floats) -> Floats:
    """Returns the slope of labels by scores from sums [..., 5]."""
    count, score, label, squares, products = np.moveaxis(sums, -1, 0)
    spread = squares - score**2 / count
    slope: Floats = (products - score * label / count) / spread
    return slope
