"""The objective of a search as an axis of a figure, and trials as points on it."""

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes

from pipeline.reports.page.svg import BLUE, ORANGE
from tuning.importance import worst_counted
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


def draw_points(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    scale: ObjectiveAxis,
    *,
    best: int | None,
) -> None:
    """Draws all points at once, those beyond the axis as triangles at its end.

    Args:
        axes: Where to.
        x: A place for each trial.
        y: A metric or objective for each trial.
        scale: The axis of `y`.
        best: Number of the best trial among them, if it is there.
    """
    others = [n for n in range(len(y)) if n != best]
    shapes = {
        "o": [n for n in others if not scale.is_beyond(y[n])],
        "^": [n for n in others if y[n] > scale.high],
        "v": [n for n in others if y[n] < scale.low],
    }
    for shape, numbers in shapes.items():
        if not numbers:
            continue
        axes.plot(
            [x[n] for n in numbers],
            [scale.clip(y[n]) for n in numbers],
            linestyle="",
            marker=shape,
            color=BLUE,
            markersize=4.5,
            alpha=0.85,
            zorder=3.0,
            clip_on=False,
        )
    if best is not None:
        axes.plot(
            [x[best]],
            [scale.clip(y[best])],
            marker="D",
            color=ORANGE,
            markersize=6.5,
            zorder=4.0,
            clip_on=False,
        )
