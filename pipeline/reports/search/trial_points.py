"""Trials as points of a figure, the best one set off."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from pipeline.reports.page.svg import BLUE, ORANGE
from pipeline.reports.search.objective_axis import ObjectiveAxis


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
