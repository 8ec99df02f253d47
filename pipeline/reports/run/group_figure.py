"""The metric in groups, drawn beside the strongest baseline."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.evaluation.intervals import Interval
from models.evaluation.metric import Metric
from pipeline.reports.page.svg import (
    BLUE,
    INK,
    ORANGE,
    draw_intervals,
    plain,
    styled,
    to_svg,
)
from pipeline.reports.run.breakdown import GroupFigures


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
        panels[0].set_ylabel(_label(metric))
        figure.legend(loc="outside upper left", ncols=2, fontsize=8.0)
        if has_gaps:
            _draw_gaps(panels[1], figures)
            panels[1].set_ylabel(plain(f"cmml less {strongest}"))
            side = "above" if metric.direction > 0 else "below"
            panels[1].set_title(f"better is {side} the line", fontsize=9.0)
        for axes in panels:
            _label_groups(axes, figures)
        return to_svg(figure)


def _label(metric: Metric) -> str:
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
