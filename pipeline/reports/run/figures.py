"""The figures of the report of a run: data, training, groups, and scores; all SVG."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from models.evaluation.intervals import Interval
from models.evaluation.metric import Metric
from models.evaluation.ranking_metrics import share_within
from models.evaluation.scored_pairs import ScoredPairs
from pipeline.reports.page.svg import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    draw_intervals,
    plain,
    styled,
    to_svg,
)
from pipeline.reports.run.bands import COUNT_BANDS, SUPPORT_BANDS, Bands
from pipeline.reports.run.breakdown import GroupFigures
from pipeline.reports.run.calibration import Calibration
from pipeline.settings.data_facts import DataFacts, SplitFacts
from pipeline.training.course import Epoch
from transforms import schema

_ROOM = 0.12  # Inches above and below a panel.
_NUM_BINS = 12
_MAX_BARS = 20  # Labels of more values are put into bins.

_SPEED = "tasks_per_s"
_MAX_PANELS = 3  # Beside the speed.
# After the metric that epochs are chosen by and those of both splits, what says most.
_PREFERRED = ("pair_accuracy", "ndcg")

_NUM_ERROR_BINS = 40
_NUM_CUTOFFS = 60


def data_figure(data: DataFacts) -> str:
    """Draws counts of users, items and tasks, and labels or pools; returns SVG."""
    train, test = (_split(data, name) for name in (schema.META_TRAIN, schema.META_TEST))
    with styled("data"):
        layout = ConstrainedLayoutEngine(h_pad=_ROOM)
        figure = Figure(figsize=(9.5, 5.6), layout=layout)
        (users, items), (tasks, last) = figure.subplots(2, 2)
        _draw_bands(users, data.user_counts[1:], COUNT_BANDS)
        _label(users, "users", "interactions of a user")
        _draw_bands(items, data.item_counts[1:], COUNT_BANDS)
        _label(items, "items", "interactions of an item in training")
        _draw_bands(tasks, test.support_sizes, SUPPORT_BANDS)
        _label(tasks, "tasks of meta-test", "support pairs that a task has", "tasks")
        if test.labels:
            _draw_shares(last, {"meta-train": train.labels, "meta-test": test.labels})
            _label(last, "labels", "label", "share")
        elif test.pool_sizes.size:
            heights, edges = np.histogram(test.pool_sizes, bins=_NUM_BINS)
            _draw_bars(last, [f"{edge:,.0f}" for edge in edges[:-1]], {"": heights})
            _label(last, "pools of meta-test", "items of a scenario", "scenarios")
        else:
            _draw_bands(last, test.query_sizes, SUPPORT_BANDS)
            _label(last, "queries", "held-out clicks of a task of meta-test", "tasks")
        for axes in (users, items, tasks, *(() if test.labels else (last,))):
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
            axes.yaxis.set_major_formatter("{x:,.0f}")
        return to_svg(figure)


def _split(data: DataFacts, name: str) -> SplitFacts:
    split = data.split(name)
    assert split is not None  # A run that was evaluated has tasks of both.
    return split


def _label(axes: Axes, title: str, x_label: str, y_label: str | None = None) -> None:
    axes.grid(visible=False, axis="x")
    axes.set_title(title, fontsize=9.0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label or title)


def _draw_bands(axes: Axes, counts: ArrayLike, bands: Bands) -> None:
    """Draws how many counts are in each band; those above all counts are left out."""
    place = bands.place(counts)
    num_bands = int(place.max(initial=0)) + 1
    heights = np.bincount(place[place >= 0], minlength=num_bands)
    _draw_bars(axes, bands.labels[:num_bands], {"": heights})


def _draw_shares(axes: Axes, counts: Mapping[str, Mapping[float, int]]) -> None:
    """Draws the share of each label, a series for each split."""
    labels = sorted({label for series in counts.values() for label in series})
    if len(labels) <= _MAX_BARS:
        ticks = [f"{label:g}" for label in labels]
        edges = np.array([*labels, np.inf])
    else:
        edges = np.linspace(labels[0], labels[-1], _NUM_BINS + 1)
        ticks = [f"{edge:.3g}" for edge in edges[:-1]]
    heights = {
        name: np.histogram(list(series), edges, weights=list(series.values()))[0]
        for name, series in counts.items()
    }
    shares = {name: series / series.sum() for name, series in heights.items()}
    _draw_bars(axes, ticks, shares)
    axes.legend(fontsize=8.0)


def _draw_bars(
    axes: Axes, ticks: Sequence[str], series: Mapping[str, ArrayLike]
) -> None:
    x = np.arange(len(ticks))
    width = 0.8 / len(series)
    for n, (name, heights) in enumerate(series.items()):
        offset = (n - (len(series) - 1) / 2.0) * width
        axes.bar(x + offset, heights, width, color=(BLUE, ORANGE)[n % 2], label=name)
    axes.set_xticks(x, [plain(tick) for tick in ticks], fontsize=7.5)


def course_figure(course: Sequence[Epoch], monitor: str) -> str:
    """Draws metrics of meta-train and meta-validation, and the speed; returns SVG.

    Args:
        course: The epochs, at least one.
        monitor: The metric that the best epoch is chosen by, without "val_".
    """
    names = _panels(course, monitor)
    best = course[-1]["best_epoch"]
    with styled("course"):
        figure = Figure(figsize=(9.5, 2.8), layout="constrained")
        panels = figure.subplots(1, len(names) + 1, squeeze=False)[0]
        for axes, name in zip(panels, names, strict=False):
            _draw_epochs(axes, course, name, "meta-train", BLUE)
            _draw_epochs(axes, course, f"val_{name}", "meta-validation", ORANGE)
            axes.set_title(plain(name), fontsize=9.0)
            axes.axvline(best, color=GREY, linestyle="--", label="best epoch")
        _draw_epochs(panels[-1], course, _SPEED, None, BLUE)
        panels[-1].set_title("tasks per second", fontsize=9.0)
        panels[-1].set_ylim(bottom=0.0)
        lines: dict[str, Any] = {}
        for axes in panels:
            lines |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(
            lines.values(), lines, loc="outside upper left", ncols=3, fontsize=8.0
        )
        for axes in panels:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            axes.set_xlabel("epoch")
        return to_svg(figure)


def metrics_of_both(course: Sequence[Epoch]) -> list[str]:
    """Returns the metrics that meta-train and meta-validation both have.

    Args:
        course: The epochs, at least one.
    """
    line = course[-1]
    return [name for name in line if f"val_{name}" in line]


def _panels(course: Sequence[Epoch], monitor: str) -> list[str]:
    line = course[-1]
    known = [name for name in _PREFERRED if name in line or f"val_{name}" in line]
    return list(dict.fromkeys([monitor, *metrics_of_both(course), *known]))[
        :_MAX_PANELS
    ]


def _draw_epochs(
    axes: Axes, course: Sequence[Epoch], name: str, label: str | None, color: str
) -> None:
    known = [(line["epoch"], line[name]) for line in course if name in line]
    if known:
        axes.plot(
            [epoch for epoch, _ in known],
            [value for _, value in known],
            marker="o",
            markersize=3.0,
            linewidth=1.3,
            color=color,
            label=label,
        )


def group_figure(
    name: str, figures: Sequence[GroupFigures], metric: Metric, strongest: str | None
) -> str:
    """Draws the metric of each group, and the difference to a baseline; returns SVG.

    Args:
        name: Name of the figure.
        figures: Groups of one kind.
        metric: What they are judged by.
        strongest: The baseline beside CMML; None for none.
    """
    has_gaps = strongest is not None and any(group.gap for group in figures)
    with styled(name):
        figure = Figure(figsize=(9.5, 3.1), layout="constrained")
        panels = figure.subplots(1, 2 if has_gaps else 1, squeeze=False)[0]
        _draw_levels(panels[0], figures, strongest)
        panels[0].set_ylabel(_metric_label(metric))
        figure.legend(loc="outside upper left", ncols=2, fontsize=8.0)
        if has_gaps:
            _draw_gaps(panels[1], figures)
            panels[1].set_ylabel(plain(f"cmml less {strongest}"))
            side = "above" if metric.direction > 0 else "below"
            panels[1].set_title(f"better is {side} the line", fontsize=9.0)
        for axes in panels:
            _label_groups(axes, figures)
        return to_svg(figure)


def _metric_label(metric: Metric) -> str:
    side = "more" if metric.direction > 0 else "less"
    return plain(f"{metric.name} ({side} is better)")


def _draw_levels(
    axes: Axes, figures: Sequence[GroupFigures], strongest: str | None
) -> None:
    _draw_known(axes, [group.cmml for group in figures], -0.1, ORANGE, "o", "cmml")
    if strongest is not None:
        others = [group.strongest for group in figures]
        _draw_known(axes, others, 0.1, BLUE, "s", plain(strongest))


def _draw_gaps(axes: Axes, figures: Sequence[GroupFigures]) -> None:
    axes.axhline(0.0, color=INK, linewidth=1.0)
    _draw_known(axes, [group.gap for group in figures], 0.0, ORANGE, "o", "")


def _draw_known(
    axes: Axes,
    intervals: Sequence[Interval | None],
    offset: float,
    color: str,
    marker: str,
    label: str,
) -> None:
    known = [(x, one) for x, one in enumerate(intervals) if one is not None]
    if not known:
        return
    draw_intervals(
        axes,
        [x + offset for x, _ in known],
        [one for _, one in known],
        linestyle="",
        marker=marker,
        markersize=4.5,
        capsize=2.5,
        color=color,
        label=label,
    )


def _label_groups(axes: Axes, figures: Sequence[GroupFigures]) -> None:
    axes.set_xlim(-0.6, len(figures) - 0.4)
    axes.set_xticks(
        range(len(figures)),
        [plain(f"{group.label}\nn={group.num_pairs:,}") for group in figures],
        fontsize=7.5,
    )
    axes.set_xlabel(plain(figures[0].kind))
    axes.grid(visible=False, axis="x")


def calibration_figure(calibration: Calibration, rows: ScoredPairs) -> str:
    """Draws labels of pairs by predicted label, and what is left over; returns SVG."""
    assert rows.label is not None  # Only of rated pairs.
    errors = rows.score.astype(float) - rows.label.astype(float)
    with styled("calibration"):
        figure = Figure(figsize=(9.5, 3.0), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        scores = [each.score for each in calibration.bins]
        labels = [each.label for each in calibration.bins]
        low = min(*scores, *(label.low for label in labels))
        high = max(*scores, *(label.high for label in labels))
        left.plot([low, high], [low, high], color=GREY, linestyle="--", label="perfect")
        draw_intervals(
            left,
            scores,
            labels,
            marker="o",
            markersize=4.0,
            capsize=2.5,
            color=ORANGE,
            label="cmml",
        )
        left.set_xlabel("predicted label, tenths of the pairs")
        left.set_ylabel("mean label")
        left.legend(fontsize=8.0)
        middle.hist(errors, bins=_NUM_ERROR_BINS, color=BLUE)
        middle.axvline(0.0, color=INK, linewidth=1.0)
        middle.set_xlabel("prediction less label")
        middle.set_ylabel("pairs")
        middle.yaxis.set_major_formatter("{x:,.0f}")
        if calibration.by_label:
            ticks = [f"{label:g}" for label in calibration.by_label]
            right.bar(ticks, list(calibration.by_label.values()), color=BLUE)
            right.axhline(0.0, color=INK, linewidth=1.0)
            right.set_xlabel("label")
            right.set_ylabel("mean of prediction less label")
            right.grid(visible=False, axis="x")
        else:
            right.set_axis_off()
        return to_svg(figure)


def rank_figure(rows: Mapping[str, ScoredPairs]) -> str:
    """Draws the share of held-out clicks that are within the first candidates.

    Args:
        rows: Ranks by method, CMML first.
    """
    with styled("ranks"):
        figure = Figure(figsize=(6.5, 3.2), layout="constrained")
        axes = figure.add_subplot()
        for (name, ranked), color in zip(rows.items(), (ORANGE, BLUE), strict=False):
            rank, num_tied, most = ranked.rank, ranked.num_tied, ranked.num_candidates
            assert rank is not None  # Clicks are ranked.
            assert num_tied is not None
            assert most is not None
            cutoffs = np.unique(np.geomspace(1, most.max(), _NUM_CUTOFFS).astype(int))
            shares = [float(share_within(rank, num_tied, k).mean()) for k in cutoffs]
            axes.plot(cutoffs, shares, color=color, label=plain(name))
            if color == ORANGE:
                by_chance = [float(np.minimum(k / most, 1.0).mean()) for k in cutoffs]
                axes.plot(
                    cutoffs, by_chance, color=GREY, linestyle="--", label="chance"
                )
        axes.set_xscale("log")
        axes.set_xlabel("first candidates looked at")
        axes.set_ylabel("share of held-out clicks")
        axes.set_ylim(0.0, 1.0)
        axes.legend(fontsize=8.0)
        return to_svg(figure)
