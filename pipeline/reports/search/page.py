"""A search as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from pipeline.reports.page.render import render
from pipeline.reports.search.course import best_so_far, objective_by_cost
from pipeline.reports.search.objective_axis import objective_axis
from pipeline.reports.search.search_tables import importance_table, trial_table
from pipeline.reports.search.slices import slices
from pipeline.reports.search.verdict import description, reasons, verdict
from tuning.importance import Importance
from tuning.results import SearchResults


def search_page(
    results: SearchResults,
    importance: Importance,
    *,
    name: str,
    advice: Sequence[str],
    best_yaml: str,
    command: str,
    logs: pathlib.Path,
) -> str:
    """Returns the page: the verdict, what to try next, and what that rests on.

    Args:
        results: The search.
        importance: Importance of its keys.
        name: Name of the experiment.
        advice: What to try next, in sentences.
        best_yaml: The experiment of the best trial.
        command: What runs it.
        logs: Folder of the trials for TensorBoard.
    """
    return render(
        "search.html",
        name=name,
        search=results.space.name,
        metric=results.metric,
        description=description(results),
        verdict=verdict(results),
        advice=advice,
        keys=importance_table(results, importance),
        figures=search_figures(results),
        num_beyond=objective_axis(results).num_beyond,
        reasons=reasons(results),
        trials=trial_table(results),
        command=command,
        best_yaml=best_yaml,
        logs=logs,
    )


def search_figures(results: SearchResults) -> dict[str, str]:
    """Returns every figure that there is something to draw in, SVG by name."""
    drawn = {
        "slices": slices(results),
        "best_so_far": best_so_far(results),
        "objective_by_cost": objective_by_cost(results),
    }
    return {name: svg for name, svg in drawn.items() if svg is not None}
