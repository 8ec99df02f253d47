"""A run as one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import dataclasses
import html
import pathlib
from collections.abc import Mapping, Sequence

from models.options import MemberOptions
from pipeline.reports.page.elements import bullet_list, verdict_list
from pipeline.reports.page.frame import Section, page
from pipeline.reports.run.advice import advice
from pipeline.reports.run.data_section import data_section
from pipeline.reports.run.findings import Findings
from pipeline.reports.run.latency import Latency
from pipeline.reports.run.provenance import Provenance
from pipeline.reports.run.quality_sections import (
    calibration_section,
    groups_section,
    metrics_section,
    worst_section,
)
from pipeline.reports.run.run_sections import (
    latency_section,
    provenance_section,
    training_section,
)
from pipeline.reports.run.verdict import verdict
from transforms.reading.row_error import REASONS


@dataclasses.dataclass(frozen=True, eq=False)
class RunReport:
    """All that the page is made of.

    Attributes:
        name: Of the experiment.
        told: What the run is, in a sentence.
        model: The members and sizes that it has.
        found: What was found.
        groups: What each group of `evaluate` to show is made of, by name.
        metrics: Metrics to show.
        task_names: Names of tasks by id, where they have one.
        inside: The sections on contexts and on what they change.
        latency: What the export takes.
        version: The newest export, None if there is none.
        provenance: Where the run comes from.
    """

    name: str
    told: str
    model: MemberOptions
    found: Findings
    groups: Mapping[str, str]
    metrics: Sequence[str]
    task_names: Mapping[str, str]
    inside: Sequence[Section]
    latency: Sequence[Latency]
    version: pathlib.Path | None
    provenance: Provenance


def run_page(report: RunReport) -> str:
    """Returns the page: the verdict first, then what it is told from."""
    found = report.found
    steps = advice(found, report.model)
    next_step = f"What next? {steps[0]}"
    return page(
        f"Run of {report.name}",
        report.told,
        [
            verdict_list([*verdict(found), next_step]),
            Section(
                "What to try next",
                bullet_list(steps),
                "Rules on the figures of this run. Those of meta-test tell where to "
                "look; whether a change helps is for meta-validation to say.",
                name="next",
            ),
            data_section(found.data, REASONS),
            training_section(found.training),
            metrics_section(found, _escaped(report.groups), report.metrics),
            groups_section(found),
            worst_section(found, report.task_names),
            calibration_section(found),
            *report.inside,
            latency_section(report.latency, report.version),
            provenance_section(report.provenance),
        ],
    )


def _escaped(words: Mapping[str, str]) -> dict[str, str]:
    return {name: html.escape(text) for name, text in words.items()}
