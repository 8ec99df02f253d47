"""The support advisor as one HTML file, with its figures."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from models.evaluation.intervals import Interval
from models.evaluation.metric import has_few_tasks
from pipeline.judging.rule import Rule
from pipeline.onboarding.few_shot import MODEL, FewShotCurve
from pipeline.onboarding.findings import Findings
from pipeline.onboarding.placement import OUTLIER_PERCENTILE, Placement
from pipeline.onboarding.questions import QuestionPlan
from pipeline.reports.onboarding.advice_text import file_sentences, sentences
from pipeline.reports.onboarding.report_tables import all_tables
from pipeline.reports.page.render import render
from pipeline.reports.page.svg import BLUE, GREY, ORANGE, plain, styled, to_svg

_MAX_REFUSED = 20

_SIZE = (9.0, 3.6)
_BAND = 0.2  # Opacity of an interval.
_MOST_BINS = 40
_NEAREST = 0.01  # A distance of 0 has no place on a scale of ratios.


def onboarding_page(findings: Findings, rules: Sequence[Rule]) -> str:
    """Returns the page: the verdict, then what it rests on."""
    tables = all_tables(findings, rules)
    return render(
        "onboarding.html",
        kind=findings.title,
        description=f"{findings.source} with model {findings.model}",
        verdict=sentences(findings, rules),
        contents={table.name: table.title for table in tables} | {"file": "The file"},
        tables=tables,
        figures=_figures(findings),
        file=[*file_sentences(findings), *_refused(findings)],
    )


def _figures(findings: Findings) -> dict[str, str]:
    """Draws what stands above a table, SVG by name of the table."""
    figures = {}
    if findings.curve is not None:
        figures["few_shot"] = few_shot_figure(findings.curve)
    if findings.placement is not None:
        figures["places"] = place_figure(findings.placement)
    if findings.plan is not None:
        figures["questions"] = question_figure(findings.plan)
    return figures


def _refused(findings: Findings) -> list[str]:
    refused = findings.rows.refused
    lines = [
        f"line {row.line}: {row.reason}, {row.detail}" for row in refused[:_MAX_REFUSED]
    ]
    if len(refused) > len(lines):
        lines.append(f"and {len(refused) - len(lines)} more, in rejected.jsonl")
    return lines


def few_shot_figure(curve: FewShotCurve) -> str:
    """Draws the metric of every method by size of the support set.

    A band is an interval, which few tasks have not.
    """
    with styled("few_shot"):
        figure = Figure(figsize=_SIZE)
        axes = figure.add_subplot()
        for method in sorted(curve.values, key=lambda name: name == MODEL):
            intervals = [curve.interval(method, size) for size in curve.sizes]
            colour, style = _look(method, curve.reference)
            _draw(axes, range(len(intervals)), intervals, colour, style, plain(method))
        axes.set_xticks(range(len(curve.sizes)), [str(size) for size in curve.sizes])
        axes.set_xlabel(f"{curve.size_noun} shown")
        axes.set_ylabel(curve.metric.name)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return to_svg(figure)


def place_figure(placement: Placement) -> str:
    """Draws how far known tasks are, and where new ones stand among them."""
    new = [place.distance for place in placement.places]
    with styled("place"):
        figure = Figure(figsize=_SIZE)
        axes = figure.add_subplot()
        num_bins = min(_MOST_BINS, max(10, placement.known.size // 8))
        known = np.maximum(placement.known, _NEAREST)
        bins = np.geomspace(known.min(), known.max() * 1.001, num_bins + 1).tolist()
        axes.hist(known, bins=bins, color=GREY, alpha=0.6, label="known tasks")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        limit = float(np.percentile(placement.known, OUTLIER_PERCENTILE))
        axes.axvline(
            limit,
            color=BLUE,
            linestyle="--",
            label=f"{OUTLIER_PERCENTILE:g} % of known tasks are nearer",
        )
        axes.plot(
            np.maximum(new, _NEAREST),
            [0.0] * len(new),
            linestyle="",
            marker="^",
            markersize=9.0,
            color=ORANGE,
            clip_on=False,
            zorder=4.0,
            label="new" if len(new) > 1 else plain(placement.places[0].task_id),
        )
        axes.set_xlabel("distance to the nearest known tasks (their own median is 1)")
        axes.set_ylabel("known tasks")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return to_svg(figure)


def question_figure(plan: QuestionPlan) -> str:
    """Draws the error to expect after each question."""
    numbers = range(len(plan.chosen))
    with styled("questions"):
        figure = Figure(figsize=_SIZE)
        axes = figure.add_subplot()
        random = [plan.expected_of_random(n) for n in numbers]
        chosen = [plan.expected(n) for n in numbers]
        _draw(axes, numbers, random, GREY, "--", "random popular items")
        _draw(axes, numbers, chosen, ORANGE, "-", "questions below")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("questions asked")
        axes.set_ylabel("mae to expect")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return to_svg(figure)


def _look(method: str, reference: str) -> tuple[str, str]:
    if method == MODEL:
        return ORANGE, "-"
    return (BLUE, "-") if method == reference else (GREY, "--")


def _draw(
    axes: Axes,
    x: range,
    intervals: list[Interval],
    colour: str,
    style: str,
    label: str,
) -> None:
    means = [interval.mean for interval in intervals]
    axes.plot(x, means, style, color=colour, marker="o", markersize=4.0, label=label)
    bands = [
        (math.nan, math.nan) if has_few_tasks(one) else (one.low, one.high)
        for one in intervals
    ]
    lows, highs = zip(*bands, strict=True)
    axes.fill_between(x, lows, highs, color=colour, alpha=_BAND, linewidth=0.0)
