"""How cold a data set is: interactions of users and items, and the tasks of splits."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from pipeline.reports.page.svg import BLUE, ORANGE, plain, styled, to_svg
from pipeline.reports.run.bands import COUNT_BANDS, SUPPORT_BANDS, Bands
from pipeline.settings.data_facts import DataFacts, SplitFacts
from transforms import schema

_ROOM = 0.12  # Inches above and below a panel.
_NUM_BINS = 12
_MAX_BARS = 20  # Labels of more values are put into bins.


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
