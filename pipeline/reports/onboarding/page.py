"""The support advisor as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.onboarding.findings import Findings
from pipeline.onboarding.rules import Rule
from pipeline.reports.onboarding.advice_text import file_sentences, sentences
from pipeline.reports.onboarding.figures import (
    few_shot_figure,
    place_figure,
    question_figure,
)
from pipeline.reports.onboarding.report_tables import all_tables
from pipeline.reports.page.render import render

_MAX_REFUSED = 20


def onboarding_page(findings: Findings, rules: Sequence[Rule]) -> str:
    """Returns the page: the verdict, then what it rests on."""
    tables = all_tables(findings, rules)
    return render(
        "onboarding.html",
        kind=findings.title,
        description=f"{findings.source} with model {findings.model}",
        verdict=sentences(findings, rules),
        contents={table.name: table.title for table in tables} | {"file": "The file"},
        tables=tables,
        figures=_figures(findings),
        file=[*file_sentences(findings), *_refused(findings)],
    )


def _figures(findings: Findings) -> dict[str, str]:
    """Draws what stands above a table, SVG by name of the table."""
    figures = {}
    if findings.curve is not None:
        figures["few_shot"] = few_shot_figure(findings.curve)
    if findings.placement is not None:
        figures["places"] = place_figure(findings.placement)
    if findings.plan is not None:
        figures["questions"] = question_figure(findings.plan)
    return figures


def _refused(findings: Findings) -> list[str]:
    refused = findings.rows.refused
    lines = [
        f"line {row.line}: {row.reason}, {row.detail}" for row in refused[:_MAX_REFUSED]
    ]
    if len(refused) > len(lines):
        lines.append(f"and {len(refused) - len(lines)} more, in rejected.jsonl")
    return lines
