"""Every trial as a line through the values of all keys."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from pipeline.reports.page.svg import BLUE, GREY, GROUND, INK, ORANGE, styled, to_svg
from pipeline.reports.search.key_axis import KeyAxis, key_axis, shortened, varied_keys
from pipeline.reports.search.objective_axis import ObjectiveAxis, objective_axis
from tuning.results import SearchResults
from tuning.trial_result import TrialResult

NOT_ACTIVE = "not active"

_BELOW = -0.2  # Where lines pass a key that is not active.
_WORST_TO_BEST = LinearSegmentedColormap.from_list("trials", [BLUE, GREY, ORANGE])
_MANY_KEYS = 8  # So many stand closer together, every other title higher.
_SPREAD = 0.25  # Share of the room of a value that lines through it take.


def parallel_coordinates(results: SearchResults) -> str | None:
    """Draws the completed trials, from the worst in blue to the best in orange.

    Args:
        results: The search.

    Returns:
        SVG; None if there is but one trial, or no key has more than one value.
    """
    trials = results.best_first()
    varied = varied_keys(results)
    if len(trials) < 2 or not varied:
        return None
    axes_of_keys = [key_axis(key, domain, trials) for key, domain in varied.items()]
    scale = objective_axis(results)
    with styled("parallel_coordinates"):
        is_wide = len(varied) >= _MANY_KEYS
        room = 1.1 if is_wide else 1.5
        figure = Figure(figsize=(max(6.5, room * (len(varied) + 1)), 4.6))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(-0.4, len(varied) + 0.6)
        axes.set_ylim(_BELOW - 0.05, 1.2)
        for n, axis in enumerate(axes_of_keys):
            is_optional = any(axis.key not in trial.values for trial in trials)
            ticks = {**axis.ticks, **({NOT_ACTIVE: _BELOW} if is_optional else {})}
            title = axis.key.replace(".", ".\n", 1)
            _draw_axis(axes, n, title, ticks, is_raised=is_wide and n % 2 == 1)
        label = scale.label.replace(" (", "\n(")
        _draw_axis(axes, len(varied), label, _objective_ticks(scale, results.minimise))
        _draw_trials(axes, trials, axes_of_keys, _heights(trials, scale, results))
        return to_svg(figure)


def _draw_axis(
    axes: Axes,
    x: int,
    title: str,
    ticks: Mapping[str, float],
    *,
    is_raised: bool = False,
) -> None:
    axes.plot([x, x], [0.0, 1.0], color=INK, linewidth=1.0, zorder=2.5)
    height = 1.15 if is_raised else 1.05
    axes.text(x, height, title, ha="center", va="bottom", fontsize=8.5)
    for label, place in ticks.items():
        axes.plot([x - 0.02, x], [place, place], color=INK, linewidth=1.0, zorder=2.5)
        axes.text(
            x - 0.04,
            place,
            shortened(label),
            ha="right",
            va="center",
            fontsize=8.0,
            style="italic" if label == NOT_ACTIVE else "normal",
            zorder=4.0,
            bbox={"facecolor": GROUND, "alpha": 0.75, "linewidth": 0.0, "pad": 1.0},
        )


def _objective_ticks(scale: ObjectiveAxis, minimise: bool) -> dict[str, float]:
    """Returns places by label, the better end on top."""
    shares = np.linspace(0.0, 1.0, 5)
    values = scale.low + shares * (scale.high - scale.low)
    places = 1.0 - shares if minimise else shares
    digits = max(0, 2 - math.floor(math.log10(scale.high - scale.low)))
    return {f"{v:.{digits}f}": float(p) for v, p in zip(values, places, strict=True)}


def _heights(
    trials: Sequence[TrialResult], scale: ObjectiveAxis, results: SearchResults
) -> list[float]:
    found = [scale.clip(t.objective) for t in trials if t.objective is not None]
    shares = [(value - scale.low) / (scale.high - scale.low) for value in found]
    return [1.0 - share if results.minimise else share for share in shares]


def _draw_trials(
    axes: Axes,
    trials: Sequence[TrialResult],
    keys: Sequence[KeyAxis],
    heights: Sequence[float],
) -> None:
    """Draws a line for each trial, the best one last.

    Through the one value of a list lines pass side by side, so that they can be told
    apart; parts that lead to a key that is not active are dotted.
    """
    last = len(trials) - 1
    for rank in range(last, -1, -1):
        trial = trials[rank]
        aside = (0.5 - rank / max(last, 1)) * _SPREAD
        y = [_height(axis, trial, aside) for axis in keys] + [heights[rank]]
        is_there = [axis.key in trial.values for axis in keys] + [True]
        colour = _WORST_TO_BEST(1.0 - rank / max(last, 1))
        look: dict[str, Any] = {
            "color": colour,
            "linewidth": 2.6 if rank == 0 else 1.1,
            "alpha": 1.0 if rank == 0 else 0.7,
            "zorder": 3.0 if rank == 0 else 2.0,
        }
        is_solid = [one and next_one for one, next_one in itertools.pairwise(is_there)]
        for style, wanted in (("-", True), (":", False)):
            if wanted in is_solid:
                axes.plot(*_parts(y, is_solid, wanted), linestyle=style, **look)


def _parts(
    y: Sequence[float], states: Sequence[bool], wanted: bool
) -> tuple[list[float], list[float]]:
    """Returns the parts of a line that are in some state, NaN between them."""
    line: list[tuple[float, float]] = []
    for n, state in enumerate(states):
        if state == wanted:
            line += [(n, y[n]), (n + 1, y[n + 1]), (math.nan, math.nan)]
    return [x for x, _ in line], [height for _, height in line]


def _height(axis: KeyAxis, trial: TrialResult, aside: float) -> float:
    if axis.key not in trial.values:
        return _BELOW + 0.1 * aside
    place = axis.place(trial.values[axis.key])
    return place + aside * min(axis.gap, 0.3) if axis.is_even else place
