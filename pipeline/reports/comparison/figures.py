"""The figures of a comparison, as SVG. The same results make the same bytes."""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import scipy.optimize
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import Bbox

from models.evaluation.intervals import Interval
from models.evaluation.metric import Metric
from pipeline.judging.cost import Cost
from pipeline.judging.results import CMML, KINDS, CostCurve, MethodResult
from pipeline.reports.comparison.summary import Summary
from pipeline.reports.page.svg import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    draw_intervals,
    styled,
    to_svg,
)

_OF_KIND = {"simple": GREY, "learned": BLUE, "cmml": ORANGE}
_MARKER_OF_KIND = {"simple": "s", "learned": "o", "cmml": "D"}

# Those of Okabe and Ito that show on white and on black, CMML's own left out.
_CYCLE = (BLUE, "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_MARKERS = ("o", "^", "v", "P", "X", "<", ">")

_LABEL_POINTS = 8.0
_LETTER_WIDTH = 5.2
_LABEL_GAP = 11.0  # Points between the middles of two labels.


def all_figures(summary: Summary, curves: Sequence[CostCurve]) -> dict[str, str]:
    """Returns every figure that there is something to draw in, SVG by name."""
    figures = {"quality_by_cost": quality_by_cost(summary)}
    if summary.setup.few_shot:
        figures["few_shot"] = few_shot_curves(summary)
    if curves:
        figures["cost_by_steps"] = cost_by_steps(curves, summary.results)
    return figures


def quality_by_cost(summary: Summary) -> str:
    """Draws how good each method is by the time to adapt, where it is known; SVG."""
    timed = [one for one in summary.scored if one.adapt_ms > 0.0]
    with styled("quality_by_cost"):
        figure = Figure(figsize=(9.0, 5.4))
        axes = figure.add_subplot()
        for kind in KINDS:
            _draw_points(axes, summary, [one for one in timed if one.kind == kind])
        axes.set_xscale("log")
        axes.margins(x=0.14, y=0.08)
        axes.set_xlabel("ms per task to adapt and score (log scale)")
        axes.set_ylabel(_metric_label(summary.setup.metric))
        if timed:
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(KINDS))
        label_points(
            axes, {one.name: (one.adapt_ms, summary.main(one.name)) for one in timed}
        )
        return to_svg(figure)


def few_shot_curves(summary: Summary) -> str:
    """Draws the primary metric by the size of the support set; returns SVG."""
    sizes = summary.setup.few_shot
    lines = {
        one.name: Line(range(len(sizes)), _curve(summary, one))
        for one in summary.scored
    }
    lines = {name: line for name, line in lines.items() if np.isfinite(line.y).any()}
    looks = _looks([one for one in summary.scored if one.name in lines])
    with styled("few_shot"):
        figure = Figure(figsize=(9.0, max(5.4, 1.5 + 0.2 * len(lines))))
        axes = figure.add_subplot()
        axes.margins(x=0.02)
        for name, line in lines.items():
            axes.plot(line.x, line.y, **looks[name])
        axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
        axes.set_xlabel("pairs of the support set that are shown, at most")
        axes.set_ylabel(_metric_label(summary.setup.metric))
        label_lines(axes, lines, looks)
        return to_svg(figure)


def cost_by_steps(curves: Sequence[CostCurve], results: Sequence[MethodResult]) -> str:
    """Draws time and memory by inner steps, those of a forward pass as levels.

    Args:
        curves: What was measured.
        results: The methods, for their kinds.

    Source:
        CMML (arXiv:2108.10511) Figure 2, section 4.
    """
    names = [curve.method for curve in curves]
    looks = _looks([one for one in results if one.name in names])
    panels: Sequence[tuple[str, Callable[[Cost], float]]] = (
        ("training, ms per task", lambda cost: cost.train_ms),
        ("adaptation, ms per task", lambda cost: cost.adapt_ms),
        ("peak memory, MB", lambda cost: cost.peak_mb),
    )
    steps = sorted({step for curve in curves for step in curve.steps}) or [1, 20]
    with styled("cost_by_steps"):
        figure = Figure(figsize=(13.0, max(4.6, 1.5 + 0.2 * len(curves))))
        figure.subplots_adjust(left=0.05, right=0.9, wspace=0.75)
        for axes, (title, cost_of) in zip(figure.subplots(1, 3), panels, strict=True):
            axes.set_title(title)
            _draw_costs(axes, curves, cost_of, steps, looks)
        return to_svg(figure)


def _metric_label(metric: Metric) -> str:
    return f"{metric.name} ({metric.better} is better)"


def _curve(summary: Summary, result: MethodResult) -> list[float]:
    groups = summary.setup.few_shot.values()
    intervals = [summary.quality.get((result.name, group)) for group in groups]
    return [interval.mean if interval else math.nan for interval in intervals]


def _looks(results: Sequence[MethodResult]) -> dict[str, dict[str, Any]]:
    """Gives each method a line: grey and dashed if simple, thick if CMML's."""
    count = {kind: itertools.count() for kind in KINDS}
    return {one.name: _look(one, next(count[one.kind])) for one in results}


def _look(result: MethodResult, number: int) -> dict[str, Any]:
    is_learned = result.kind == "learned"
    look: dict[str, Any] = {
        "color": _CYCLE[number % len(_CYCLE)] if is_learned else _OF_KIND[result.kind],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linewidth": 1.3,
        "markersize": 4.5,
    }
    if result.kind == "simple":
        look |= {"linestyle": "--", "linewidth": 1.0}
    if result.name == CMML:
        look |= {"linewidth": 2.6, "marker": "D", "zorder": 3.0}
    return look


def _draw_points(axes: Axes, summary: Summary, methods: Sequence[MethodResult]) -> None:
    if not methods:
        return
    kind = methods[0].kind
    draw_intervals(
        axes,
        [one.adapt_ms for one in methods],
        [summary.main(one.name) for one in methods],
        fmt=_MARKER_OF_KIND[kind],
        color=_OF_KIND[kind],
        markersize=6.0,
        elinewidth=1.0,
        label=kind,
    )


def _draw_costs(
    axes: Axes,
    curves: Sequence[CostCurve],
    cost_of: Callable[[Cost], float],
    steps: Sequence[int],
    looks: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draws one panel: lines over inner steps, and levels for forward passes."""
    lines: dict[str, Line] = {}
    for curve in curves:
        values = [cost_of(cost) for cost in curve.costs]
        positive = [value if value > 0.0 else math.nan for value in values]
        if not np.isfinite(positive).any():
            continue
        x, name = curve.steps or (steps[0], steps[-1]), curve.method
        lines[name] = Line(x, positive if curve.steps else positive * 2)
        look = looks[name] if curve.steps else {**looks[name], "marker": ""}
        axes.plot(x, lines[name].y, **look)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(steps, [str(step) for step in steps])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("inner steps")
    label_lines(axes, lines, looks)


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
