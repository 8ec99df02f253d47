"""Small figures of counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from pipeline.reports.page.svg import BLUE, ORANGE, plain, styled, to_svg
from pipeline.reports.run.bands import Bands

_NUM_COLUMNS = 2
_SHARE = "share"
_ROOM = 0.12  # Inches above and below a panel.
_NUM_BINS = 12
_MAX_BARS = 20  # Labels of more values are put into bins.


@dataclasses.dataclass(frozen=True)
class Bars:
    """A panel of bars.

    Attributes:
        title: What is counted.
        x_label: What tells the bars apart.
        y_label: What their height is.
        ticks: A name for each place.
        heights: By series, a height for each place.
    """

    title: str
    x_label: str
    y_label: str
    ticks: Sequence[str]
    heights: Mapping[str, Sequence[float]]


def banded(
    title: str, x_label: str, y_label: str, counts: ArrayLike, bands: Bands
) -> Bars:
    """Returns how many of the counts are in each band.

    Args:
        title: What has a count.
        x_label: What is counted.
        y_label: What the height of a bar is.
        counts: int [N].
        bands: The bands; those above all counts are left out.
    """
    place = bands.place(counts)
    num_bands = int(place.max(initial=0)) + 1
    heights = np.bincount(place[place >= 0], minlength=num_bands)
    return Bars(
        title, x_label, y_label, bands.labels[:num_bands], {"": heights.tolist()}
    )


def binned(title: str, x_label: str, y_label: str, values: ArrayLike) -> Bars:
    """Returns how many of the values are in each of some even bins."""
    heights, edges = np.histogram(np.asarray(values), bins=_NUM_BINS)
    ticks = [f"{edge:,.0f}" for edge in edges[:-1]]
    return Bars(title, x_label, y_label, ticks, {"": heights.tolist()})


def shares(title: str, x_label: str, counts: Mapping[str, Mapping[float, int]]) -> Bars:
    """Returns the share of each label, a series for each split.

    Args:
        title: What is shared out.
        x_label: What the labels are.
        counts: By series and label.
    """
    labels = sorted({label for found in counts.values() for label in found})
    totals = {name: sum(found.values()) for name, found in counts.items()}
    if len(labels) <= _MAX_BARS:
        heights = {
            name: [found.get(label, 0) / totals[name] for label in labels]
            for name, found in counts.items()
        }
        return Bars(title, x_label, _SHARE, [f"{x:g}" for x in labels], heights)
    edges = np.linspace(labels[0], labels[-1], _NUM_BINS + 1)
    heights = {
        name: (
            np.histogram(list(found), bins=edges, weights=list(found.values()))[0]
            / totals[name]
        ).tolist()
        for name, found in counts.items()
    }
    ticks = [f"{edge:.3g}" for edge in edges[:-1]]
    return Bars(title, x_label, _SHARE, ticks, heights)


def bar_panels(name: str, panels: Sequence[Bars]) -> str:
    """Draws panels side by side.

    Args:
        name: Name of the figure.
        panels: The panels.

    Returns:
        SVG.
    """
    num_rows = -(-len(panels) // _NUM_COLUMNS)
    with styled(name):
        layout = ConstrainedLayoutEngine(h_pad=_ROOM)
        figure = Figure(figsize=(9.5, 2.8 * num_rows), layout=layout)
        grid = figure.subplots(num_rows, _NUM_COLUMNS, squeeze=False).flatten()
        for axes, panel in zip(grid, panels, strict=False):
            _draw(axes, panel)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        return to_svg(figure)


def _draw(axes: Axes, panel: Bars) -> None:
    x = np.arange(len(panel.ticks))
    width = 0.8 / len(panel.heights)
    for n, (name, heights) in enumerate(panel.heights.items()):
        offset = (n - (len(panel.heights) - 1) / 2.0) * width
        axes.bar(x + offset, heights, width, color=(BLUE, ORANGE)[n % 2], label=name)
    axes.set_xticks(
        x,
        [plain(tick) for tick in panel.ticks],
        fontsize=7.5,
    )
    axes.grid(visible=False, axis="x")
    axes.set_title(plain(panel.title), fontsize=9.0)
    axes.set_xlabel(plain(panel.x_label))
    axes.set_ylabel(plain(panel.y_label))
    if len(panel.heights) > 1:
        axes.legend(fontsize=8.0)
    if panel.y_label != _SHARE:
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_formatter("{x:,.0f}")
