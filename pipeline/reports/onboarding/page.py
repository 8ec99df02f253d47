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
from pipeline.reports.onboarding.report_tables import (
    curve_table,
    place_table,
    question_table,
    rule_table,
)
from pipeline.reports.page.elements import (
    bullet_list,
    captioned,
    sortable,
    verdict_list,
)
from pipeline.reports.page.frame import Section, page
from pipeline.reports.page.result_table import ResultTable

_SHOWN_REFUSED = 20

_CURVE_CAPTION = (
    "Look for where the model leaves the others, and from how many pairs on its band "
    "lies clear of theirs; a flat line means that more pairs are of no use."
)
_PLACE_CAPTION = (
    "Grey: tasks of meta-train, by how far each is from the others. Look for triangles "
    "to the right of the dashed line: tasks that are unlike anything seen, where the "
    "curve above is a poor guide to more of their kind."
)
_QUESTION_CAPTION = (
    "The error to expect of a new user after each question, whether they can answer or "
    "not. Look for where the line flattens: further questions cost patience for "
    "little. The bands are mostly what makes users differ, and alike for both lines; "
    "the difference after all questions, in pairs, is said above."
)


def onboarding_page(findings: Findings, rules: Sequence[Rule]) -> str:
    """Returns the page: the verdict, then what it is told from.

    Args:
        findings: What was found.
        rules: What the rules came to.
    """
    parts: list[str | Section] = [
        verdict_list(sentences(findings, rules)),
        _section(rule_table(rules)),
    ]
    if findings.curve is not None:
        svg = few_shot_figure(findings.curve)
        figure = captioned(svg, "few_shot", _CURVE_CAPTION)
        parts.append(_section(curve_table(findings.curve), figure))
    if findings.placement is not None:
        svg = place_figure(findings.placement)
        figure = captioned(svg, "place", _PLACE_CAPTION)
        parts.append(_section(place_table(findings.placement), figure))
    if findings.plan is not None:
        svg = question_figure(findings.plan)
        figure = captioned(svg, "questions_asked", _QUESTION_CAPTION)
        parts.append(_section(question_table(findings.plan, findings), figure))
    parts.append(_file_section(findings))
    kind = "new users" if findings.setting == "user" else "a new scenario"
    return page(
        f"Onboarding of {kind}",
        f"{findings.source} with model {findings.model}",
        parts,
    )


def _section(table: ResultTable, figure: str = "") -> Section:
    return Section(table.title, figure + sortable(table), table.note, table.name)


def _file_section(findings: Findings) -> Section:
    refused = findings.rows.refused
    lines = [
        f"line {row.line}: {row.reason}, {row.detail}"
        for row in refused[:_SHOWN_REFUSED]
    ]
    if len(refused) > len(lines):
        lines.append(f"and {len(refused) - len(lines)} more, in rejected.jsonl")
    body = bullet_list([*file_sentences(findings), *lines])
    return Section("The file", body, name="file")
