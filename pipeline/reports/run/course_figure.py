"""How the training of a run went, epoch by epoch."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.reports.page.svg import BLUE, GREY, ORANGE, plain, styled, to_svg
from pipeline.training.course import Epoch

_SPEED = "tasks_per_s"
_MAX_PANELS = 3  # Beside the speed.
# After the metric that epochs are chosen by and those of both splits, what says most.
_PREFERRED = ("pair_accuracy", "ndcg")


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
            _draw(axes, course, name, "meta-train", BLUE)
            _draw(axes, course, f"val_{name}", "meta-validation", ORANGE)
            axes.set_title(plain(name), fontsize=9.0)
            axes.axvline(best, color=GREY, linestyle="--", label="best epoch")
        _draw(panels[-1], course, _SPEED, None, BLUE)
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


def _draw(
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
