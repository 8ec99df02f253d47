"""The figures of a comparison, as SVG. The same results make the same bytes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from models.evaluation.metric import Metric
from pipeline.judging.cost import Cost
from pipeline.judging.results import CMML, KINDS, CostCurve, MethodResult
from pipeline.reports.comparison.figure_labels import Line, label_lines, label_points
from pipeline.reports.comparison.summary import Summary
from pipeline.reports.page.error_bars import draw_intervals
from pipeline.reports.page.svg import BLUE, GREY, ORANGE, styled, to_svg

_OF_KIND = {"simple": GREY, "learned": BLUE, "cmml": ORANGE}
_MARKER_OF_KIND = {"simple": "s", "learned": "o", "cmml": "D"}

# Those of Okabe and Ito that show on white and on black, CMML's own left out.
_CYCLE = (BLUE, "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_MARKERS = ("o", "^", "v", "P", "X", "<", ">")


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
