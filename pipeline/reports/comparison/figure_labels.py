"""Names beside the lines and points of a figure, none over another."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import scipy.optimize
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from models.evaluation.intervals import Interval
from pipeline.judging.results import CMML
from pipeline.reports.page.svg import INK

_LABEL_POINTS = 8.0
_LETTER_WIDTH = 5.2
_LABEL_GAP = 11.0  # Points between the middles of two labels.


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a figure.

    Attributes:
        x: Where its points are.
        y: How high, NaN where that is not known.
    """

    x: Sequence[int]
    y: Sequence[float]

    def end(self) -> tuple[float, float]:
        """Returns the last point that is known."""
        points = zip(self.x, self.y, strict=True)
        return [(x, y) for x, y in points if math.isfinite(y)][-1]


def label_lines(
    axes: Axes,
    lines: Mapping[str, Line],
    looks: Mapping[str, Mapping[str, Any]],
) -> None:
    """Writes the name of each line to the right of it, none over another."""
    box = axes.get_window_extent()
    low, high = (_points(height) for height in (box.y0, box.y1))
    ends = [_in_points(axes, line.end()) for line in lines.values()]
    places = spread([y for _, y in ends], _LABEL_GAP, low, high)
    for (name, line), (x, y), place in zip(lines.items(), ends, places, strict=True):
        axes.annotate(
            name,
            xy=line.end(),
            xytext=(_points(box.x1) + 14.0 - x, place - y),
            textcoords="offset points",
            fontsize=_LABEL_POINTS,
            fontweight="bold" if name == CMML else "normal",
            va="center",
            arrowprops=_leader(looks[name]["color"], relpos=(0.0, 0.5)),
        )


def spread(
    positions: Sequence[float], gap: float, low: float, high: float
) -> list[float]:
    """Moves positions apart, as little as can be in the mean square.

    Args:
        positions: Where labels would stand.
        gap: The least distance between two.
        low: The lowest position; kept whatever the number of labels.
        high: The highest position, if there is room for all below it.

    Returns:
        New positions in the order of the old ones.
    """
    if not positions:
        return []
    order = np.argsort(positions, kind="stable")
    offsets = gap * np.arange(len(positions))
    moved = scipy.optimize.isotonic_regression(np.asarray(positions)[order] - offsets)
    places = np.empty(len(positions))
    places[order] = np.clip(moved.x, low, max(low, high - offsets[-1])) + offsets
    return [float(place) for place in places]


def label_points(axes: Axes, points: Mapping[str, tuple[float, Interval]]) -> None:
    """Writes a name beside each point, where it covers no other name, point or bar."""
    bars = {name: _bar_box(axes, *point) for name, point in points.items()}
    written: list[Bbox] = []
    for name, (x, interval) in points.items():
        others = [bar for other, bar in bars.items() if other != name]
        box, offset = _free_place(
            _in_points(axes, (x, interval.mean)),
            _LETTER_WIDTH * len(name),
            bars[name],
            [*others, *written],
        )
        written.append(box)
        axes.annotate(
            name,
            xy=(x, interval.mean),
            xytext=offset,
            textcoords="offset points",
            fontsize=_LABEL_POINTS,
            fontweight="bold" if name == CMML else "normal",
            va="center",
            arrowprops=_leader(INK, relpos=(float(offset[0] < 0.0), 0.5)),
        )


def _bar_box(axes: Axes, x: float, interval: Interval) -> Bbox:
    """Returns what a point and its bar cover, in points."""
    left, low = _in_points(axes, (x, interval.low))
    _, high = _in_points(axes, (x, interval.high))
    return Bbox.from_extents(left - 4.0, low - 1.0, left + 4.0, high + 1.0)


def _leader(colour: str, relpos: tuple[float, float]) -> dict[str, Any]:
    """Returns the look of the thin line from a label to what it names."""
    look = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6}
    return look | {"shrinkA": 0.0, "shrinkB": 3.0, "relpos": relpos}


def _free_place(
    centre: tuple[float, float], width: float, own: Bbox, taken: Sequence[Bbox]
) -> tuple[Bbox, tuple[float, float]]:
    """Returns the nearest place beside a point for its label, all in points.

    The label is to cover nothing, and the line to it as little as can be.
    """
    tried = []
    for rise in sorted(np.arange(-90.0, 91.0, 9.0), key=abs):
        for left, near in ((7.0, 7.0), (-7.0 - width, -7.0)):
            corner = (centre[0] + left, centre[1] + rise - _LABEL_GAP / 2.0)
            box = Bbox.from_bounds(*corner, width, _LABEL_GAP)
            leader = Path([centre, (centre[0] + near, centre[1] + rise)])
            crossed = sum(leader.intersects_bbox(other) for other in taken)
            fault = (box.count_overlaps([own, *taken]), crossed)
            tried.append((fault, (box, (left, float(rise)))))
    return min(tried, key=lambda one: one[0])[1]


def _points(pixels: float) -> float:
    return pixels * 72.0 / mpl.rcParams["figure.dpi"]


def _in_points(axes: Axes, point: tuple[float, float]) -> tuple[float, float]:
    """Returns where a point of the data lies in the figure, limits being final."""
    axes.autoscale_view()
    x, y = axes.transData.transform(point)
    return _points(float(x)), _points(float(y))
