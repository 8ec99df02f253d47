"""Wins and losses of each method against the reference."""

from __future__ import annotations

from typing import Any

from pipeline.judging.results import MethodResult
from pipeline.judging.statistics import Standing, standing
from pipeline.reports.comparison.summary import Summary
from pipeline.reports.page.result_table import METHOD, Column, ResultTable


def standing_table(summary: Summary) -> ResultTable:
    """Returns wins and losses of each method against the reference, by group."""
    setup, base = summary.setup, summary.reference
    columns = [METHOD]
    columns += [
        Column(group, group, _standing_text, Standing, is_decisive=True)
        for group in setup.all_groups
        if group not in setup.controls
    ]
    return ResultTable(
        name="wins",
        title=f"Wins and losses against {base}",
        note=f"Share of tasks on which the method has the better {setup.primary}, then "
        "the worse one, the rest being equal; and whether the interval of the mean "
        "difference excludes 0: better, worse or even, not corrected for the number of "
        "methods and groups. A method can win on most tasks and still be worse in the "
        "mean.",
        columns=columns,
        rows=[
            {"method": one.name, "failure": one.failure} | _standings(summary, one)
            for one in summary.results
            if one.name != base
        ],
    )


def _standing_text(one: Standing) -> str:
    return f"{100 * one.better:.0f} % / {100 * one.worse:.0f} %, {one.verdict}"


def _standings(summary: Summary, result: MethodResult) -> dict[str, Any]:
    setup = summary.setup
    base = summary.of(summary.reference or "")
    return {
        group: standing(
            result.by_task(group, setup.primary),
            base.by_task(group, setup.primary) if base else None,
            summary.direction,
            setup.seed,
            setup.num_resamples,
        )
        for group in setup.all_groups
    }
