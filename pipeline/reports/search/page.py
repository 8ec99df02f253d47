"""A search as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.reports.page.elements import (
    bullet_list,
    captioned,
    commands,
    folded,
    sortable,
    verdict_list,
)
from pipeline.reports.page.frame import Section, page
from pipeline.reports.search.course import best_so_far, objective_by_cost
from pipeline.reports.search.objective_axis import objective_axis
from pipeline.reports.search.parallel_coordinates import parallel_coordinates
from pipeline.reports.search.search_tables import importance_table, trial_table
from pipeline.reports.search.slices import slices
from pipeline.reports.search.verdict import reasons, told, verdict
from tuning.importance import Importance
from tuning.results import SearchResults


def search_page(
    results: SearchResults,
    found: Importance,
    *,
    name: str,
    advice: Sequence[str],
    best_yaml: str,
    command: str,
) -> str:
    """Returns the page: what was found, what to try next, and what that is told from.

    Args:
        results: The search.
        found: Importance of its keys.
        name: Name of the experiment.
        advice: What to try next, in sentences.
        best_yaml: The experiment of the best trial.
        command: What runs it.
    """
    trials, keys = trial_table(results), importance_table(results, found)
    figures = [
        captioned(svg, figure, _caption(figure, results))
        for figure, svg in search_figures(results).items()
    ]
    return page(
        f"Search {results.space.name} of {name}",
        told(results),
        [
            verdict_list(verdict(results)),
            Section("What to try next", bullet_list(advice), name="next"),
            Section(keys.title, sortable(keys), keys.note, name="importance"),
            Section("Figures", "\n".join(figures), name="figures"),
            Section(
                trials.title,
                bullet_list(reasons(results)) + sortable(trials),
                trials.note,
                name="trials",
            ),
            Section(
                "The best trial as an experiment",
                commands([command])
                + folded("best.yaml", commands(best_yaml.splitlines())),
                "It trains the best trial anew, with its first seed, and judges it on "
                "meta-test.",
                name="best",
            ),
        ],
    )


def search_figures(results: SearchResults) -> dict[str, str]:
    """Returns every figure that there is something to draw in, SVG by name."""
    drawn = {
        "parallel_coordinates": parallel_coordinates(results),
        "slices": slices(results),
        "best_so_far": best_so_far(results),
        "objective_by_cost": objective_by_cost(results),
    }
    return {name: svg for name, svg in drawn.items() if svg is not None}


def _caption(figure: str, results: SearchResults) -> str:
    """Says what to look for in a figure."""
    captions: Mapping[str, str] = {
        "parallel_coordinates": (
            "Every completed trial as a line through its values, from the worst in "
            "blue to the best in orange, the best one thick. Look for values that "
            "orange lines share. Lines are dotted where they pass a key that is not "
            "active. Lines through one value of a list run side by side, the better "
            "above."
        ),
        "slices": (
            f"{results.metric} by each key alone: means over seeds, bars from the "
            "lowest seed to the highest, short lines the medians of a value, a diamond "
            "the best trial. Look for values whose points all lie on the better side; "
            "where they overlap, other keys or luck matter more."
        ),
        "best_so_far": (
            "The objective of each trial, and the best one so far. Look for how long "
            "ago it was last improved on; crosses are trials that failed. In a grid "
            "the order of trials is that of the space, and says nothing."
        ),
        "objective_by_cost": (
            "The objective by time and by size. Look for trials that are as good as "
            "the best, the diamond, for less. Times are those of the machine as it was."
        ),
    }
    beyond = objective_axis(results).num_beyond
    if not beyond:
        return captions[figure]
    who = "1 trial is" if beyond == 1 else f"{beyond} trials are"
    return (
        f"{captions[figure]} {who} worse than the axis reaches, and drawn at its end."
    )
