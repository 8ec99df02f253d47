"""How a search went, trial by trial and key by key, as figures."""

import itertools
import math
import statistics
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from pipeline.reports.page.svg import BLUE, GREY, INK, ORANGE, styled, to_svg
from pipeline.reports.search.key_axis import KeyAxis, key_axis, shortened, varied_keys
from pipeline.reports.search.objective_axis import (
    ObjectiveAxis,
    draw_points,
    objective_axis,
)
from transforms.plural import counted
from tuning.results import SearchResults
from tuning.trial_result import TrialResult, value_text

_NUM_COLUMNS = 3
_SPREAD = 0.5  # Room of the points of a value, which stands 1 apart from the next.
_GOLDEN = 0.618034
_MOST_LETTERS = 26  # Of labels below a panel, before they are turned.


def best_so_far(results: SearchResults) -> str:
    """Draws the objective of each trial that was run, and the best until then; SVG."""
    run = [trial for trial in results.trials if trial.status != "invalid"]
    run.sort(key=lambda trial: trial.trial_id)
    places = {trial.trial_id: n for n, trial in enumerate(run, 1)}
    completed = [trial for trial in run if trial.objective is not None]
    failed = [trial for trial in run if trial.objective is None]
    y = [trial.objective for trial in completed if trial.objective is not None]
    so_far = list(itertools.accumulate(y, min if results.minimise else max))
    scale = objective_axis(results)
    x = [float(places[trial.trial_id]) for trial in completed]
    with styled("best_so_far"):
        figure = Figure(figsize=(9.0, 3.6))
        axes = figure.add_subplot()
        axes.set_ylim(scale.low, scale.high)
        axes.set_xlim(0.5, len(run) + 0.5)
        best = completed.index(results.best_first()[0])
        draw_points(axes, x, y, scale, best=best)
        axes.step(
            [*x, len(run)],
            [scale.clip(value) for value in [*so_far, so_far[-1]]],
            where="post",
            color=ORANGE,
            linewidth=1.4,
        )
        axes.plot(
            [places[trial.trial_id] for trial in failed],
            [scale.low] * len(failed),
            linestyle="",
            marker="x",
            color=GREY,
            clip_on=False,
            zorder=4.0,
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trials, in their order")
        axes.set_ylabel(scale.label)
        return to_svg(figure)


def objective_by_cost(results: SearchResults) -> str | None:
    """Draws the objective by time and by the number of weights.

    Returns:
        SVG; None if there are fewer than two completed trials.
    """
    trials = results.best_first()
    if len(trials) < 2:
        return None
    scale = objective_axis(results)
    with styled("objective_by_cost"):
        figure = Figure(figsize=(9.0, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        left.set_ylim(scale.low, scale.high)
        left.set_ylabel(scale.label)
        _draw_costs(left, trials, [trial.seconds for trial in trials], scale)
        left.set_xlabel("seconds of the trial, all seeds")
        weights = [float(trial.num_parameters or 0) for trial in trials]
        _draw_costs(right, trials, weights, scale)
        right.set_xlabel("weights that were trained")
        return to_svg(figure)


def _draw_costs(
    axes: Axes,
    trials: Sequence[TrialResult],
    costs: Sequence[float],
    scale: ObjectiveAxis,
) -> None:
    points = [
        (cost, trial)
        for trial, cost in zip(trials, costs, strict=True)
        if cost > 0.0 and trial.objective is not None
    ]
    draw_points(
        axes,
        [cost for cost, _ in points],
        [trial.objective or 0.0 for _, trial in points],
        scale,
        best=0 if points and points[0][1] is trials[0] else None,
    )
    known = [cost for cost in costs if cost > 0.0]
    if known and max(known) > 20.0 * min(known):
        axes.set_xscale("log")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter("{x:,.6g}")


def slices(results: SearchResults) -> str | None:
    """Draws a panel for each key: mean over seeds, and bars from seed to seed.

    Returns:
        SVG; None if no key has more than one value.
    """
    trials = results.best_first()
    varied = varied_keys(results)
    if not varied:
        return None
    scale = objective_axis(results)
    num_rows = math.ceil(len(varied) / _NUM_COLUMNS)
    with styled("slices"):
        figure = Figure(figsize=(10.0, 2.9 * num_rows))
        figure.set_layout_engine("constrained", h_pad=0.12)
        panels = figure.subplots(
            num_rows, _NUM_COLUMNS, squeeze=False, sharey=True
        ).flatten()
        for axes, (key, domain) in zip(panels, varied.items(), strict=False):
            _draw_panel(axes, key_axis(key, domain, trials), trials, scale)
        for axes in panels[len(varied) :]:
            axes.set_axis_off()
        figure.supylabel(scale.label, fontsize=9.0)
        return to_svg(figure)


def _draw_panel(
    axes: Axes, axis: KeyAxis, trials: Sequence[TrialResult], scale: ObjectiveAxis
) -> None:
    active = [trial for trial in trials if axis.key in trial.values]
    some = f" ({len(active)} of {counted(len(trials), 'trial')})"
    axes.set_title(axis.key + (some if len(active) < len(trials) else ""), fontsize=9.0)
    axes.set_ylim(scale.low, scale.high)
    places = list(axis.ticks.values())
    room = _SPREAD if axis.ends is None else 0.0
    axes.set_xscale(axis.scale)
    if axis.ends is None:
        axes.set_xlim(-room, places[-1] + room)
    else:
        axes.update_datalim([(end, scale.low) for end in axis.ends])  # Both are shown.
    axes.xaxis.set_minor_locator(NullLocator())
    is_long = sum(map(len, axis.ticks)) > _MOST_LETTERS
    axes.set_xticks(
        places,
        [shortened(label) for label in axis.ticks],
        rotation=25 if is_long else 0,
        ha="right" if is_long else "center",
    )
    x = [
        axis.place(trial.values[axis.key]) + (n * _GOLDEN % 1.0 - 0.5) * room
        for n, trial in enumerate(active)
    ]
    means = [statistics.fmean(trial.scores) for trial in active]
    axes.vlines(
        x,
        [scale.clip(min(trial.scores)) for trial in active],
        [scale.clip(max(trial.scores)) for trial in active],
        color=BLUE,
        linewidth=1.0,
        alpha=0.7,
    )
    best = 0 if active and active[0] is trials[0] else None
    draw_points(axes, x, means, scale, best=best)
    if axis.ends is None:
        _draw_medians(axes, axis, active, scale)


def _draw_medians(
    axes: Axes, axis: KeyAxis, active: Sequence[TrialResult], scale: ObjectiveAxis
) -> None:
    """Draws the median over the trials of each value."""
    by_value: dict[str, list[TrialResult]] = {}
    for trial in active:
        by_value.setdefault(value_text(trial.values[axis.key]), []).append(trial)
    for group in by_value.values():
        x = axis.place(group[0].values[axis.key])
        middle = statistics.median(statistics.fmean(trial.scores) for trial in group)
        height = scale.clip(middle)
        axes.plot([x - 0.35, x + 0.35], [height] * 2, color=INK, linewidth=1.2)
