"""The files of a comparison: tables, figures, and a page that needs nothing else."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence

from models.whole_files import write_atomically
from pipeline.judging.results import CostCurve, MethodResult, Setup
from pipeline.reports.comparison.figures import all_figures
from pipeline.reports.comparison.hyperparameter_table import hyperparameter_table
from pipeline.reports.comparison.summary import Summary, summarise
from pipeline.reports.comparison.tables import all_tables, short_table
from pipeline.reports.comparison.verdict import verdict
from pipeline.reports.page.render import render

REPORT_FILE = "report.md"
PAGE_FILE = "index.html"


def write_report(
    folder: pathlib.Path,
    setup: Setup,
    results: Sequence[MethodResult],
    curves: Sequence[CostCurve],
    reference: str | None,
) -> str:
    """Writes every table as CSV, every figure as SVG, a report with all, and a page.

    Args:
        folder: Where to; made if it is not there.
        setup: How the methods were compared.
        results: The methods.
        curves: Their costs by inner steps.
        reference: Name of the best simple method on meta-validation; None if there is
            none.

    Returns:
        The sentences of the report and the columns that decide, in Markdown.

    Raises:
        ValueError: As in `summarise`.
    """
    summary = summarise(results, setup, reference)
    tables, figures = all_tables(summary), all_figures(summary, curves)
    for table in tables:
        write_atomically(folder / f"{table.name}.csv", table.to_csv())
    for name, svg in figures.items():
        write_atomically(folder / f"{name}.svg", svg)
    sentences = "\n".join(f"- {sentence}" for sentence in verdict(summary))
    start = f"# Comparison {setup.name} on {setup.split}\n\n{sentences}\n"
    report = "\n".join([start, *(table.to_markdown() for table in tables)])
    write_atomically(folder / REPORT_FILE, report)
    write_atomically(folder / PAGE_FILE, comparison_page(summary, figures))
    more = f"All columns and tables: {folder / REPORT_FILE} and {PAGE_FILE}."
    return f"{start}\n{short_table(summary).markdown_rows()}\n\n{more}\n"


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
