"""The comparison as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from pipeline.judging.results import direction
from pipeline.reports.comparison.summary import Summary
from pipeline.reports.comparison.tables import all_tables
from pipeline.reports.comparison.verdict import verdict
from pipeline.reports.page.elements import captioned, commands, sortable, verdict_list
from pipeline.reports.page.frame import Section, page


def comparison_page(summary: Summary, figures: Mapping[str, str]) -> str:
    """Returns the page: what was found, figures, tables, and how to get the same.

    Args:
        summary: The results.
        figures: SVG by name, as `all_figures` returns it.
    """
    setup = summary.setup
    heading = f"Comparison {setup.name}"
    told = (
        f"{setup.setting} setting, {len(summary.results)} methods, {setup.num_tasks} "
        f"tasks of {setup.split}, {len(setup.seeds)} seeds."
    )
    figures_shown = (
        captioned(svg, name, _caption(name, setup.primary))
        for name, svg in figures.items()
    )
    tables = (
        Section(table.title, sortable(table), table.note)
        for table in all_tables(summary)
    )
    return page(
        heading,
        told,
        [
            verdict_list(verdict(summary)),
            *figures_shown,
            *tables,
            _hyperparameters(summary),
            *_commands(summary),
        ],
    )


def _caption(name: str, primary: str) -> str:
    """Says what to look for in a figure."""
    if name == "few_shot":
        return (
            f"{primary} by the size of the support set. Look for methods that gain "
            "with every pair, and for those that are good before there are any. A "
            "level line makes no use of the support set. Simple methods are dashed; "
            "sizes are evenly spaced, whatever their distance."
        )
    if name == "cost_by_steps":
        return (
            "Time and memory by inner steps, as in Figure 2 of the CMML paper. Look "
            "for how fast the methods that take gradient steps rise; level lines are "
            "methods that adapt in a forward pass. All axes are logarithmic."
        )
    corner = "lower" if direction(primary) < 0 else "upper"
    return (
        f"Quality against the cost of adaptation. Look for the {corner} left corner: "
        f"a good {primary} for little time. Bars are 95 % intervals over tasks; where "
        "they overlap, only the paired differences of the table can tell two methods "
        "apart. Methods that were not timed are left out."
    )


def _hyperparameters(summary: Summary) -> Section:
    rows = []
    for one in summary.results:
        chosen = _options(one.hyperparameters) or "none"
        tried = "<br>".join(
            f"<code>{_options(changes) or 'defaults'}</code>: "
            + ("broke off" if figure is None else f"{figure:.4f}")
            for changes, figure in (one.trials if len(one.trials) > 1 else ())
        )
        rows.append(
            f"<tr><td>{html.escape(one.name)}</td><td><code>{chosen}</code></td>"
            f"<td>{tried or '-'}</td></tr>"
        )
    note = (
        f"Each trained method had at most {summary.setup.num_trials} trials with the "
        "first seed; the best figure on meta-validation was taken, higher being better."
    )
    table = (
        '<div class="wide"><table><thead><tr><th scope="col">method</th>'
        '<th scope="col">chosen</th><th scope="col">trials</th></tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )
    return Section("Hyperparameters chosen", table, note)


def _options(options: Mapping[str, Any]) -> str:
    return html.escape(", ".join(f"{key}={value}" for key, value in options.items()))


def _commands(summary: Summary) -> list[Section]:
    typed = summary.setup.commands
    return [Section("How to get the same", commands(typed))] if typed else []
