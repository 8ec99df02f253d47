"""How a search went: the best trial so far, and what trials cost."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.reports.page.svg import GREY, ORANGE, styled, to_svg
from pipeline.reports.search.objective_axis import (
    ObjectiveAxis,
    draw_points,
    objective_axis,
)
from tuning.results import SearchResults
from tuning.trial_result import TrialResult


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
