"""The comparison as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.reports.comparison.hyperparameter_table import hyperparameter_table
from pipeline.reports.comparison.summary import Summary
from pipeline.reports.comparison.tables import all_tables
from pipeline.reports.comparison.verdict import verdict
from pipeline.reports.page.render import render


def comparison_page(summary: Summary, figures: Mapping[str, str]) -> str:
    """Returns the page: the verdict, figures, tables, and how to get the same.

    Args:
        summary: The results.
        figures: SVG by name, as `all_figures` returns it.
    """
    return render(
        "comparison.html",
        setup=summary.setup,
        num_methods=len(summary.results),
        corner="lower" if summary.direction < 0 else "upper",
        verdict=verdict(summary),
        figures=figures,
        tables=[*all_tables(summary), hyperparameter_table(summary)],
    )
