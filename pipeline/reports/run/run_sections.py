"""The sections on the training of a run, its speed, and where it comes from."""

from __future__ import annotations

import pathlib
import statistics
from collections.abc import Sequence

from pipeline.reports.page.elements import (
    bullet_list,
    captioned,
    commands,
    folded,
    sortable,
)
from pipeline.reports.page.frame import Section
from pipeline.reports.page.result_table import Column, ResultTable
from pipeline.reports.run.course_figure import course_figure
from pipeline.reports.run.findings import Training
from pipeline.reports.run.latency import Latency
from pipeline.reports.run.provenance import Provenance
from pipeline.reports.run.tables import latency_table


def training_section(training: Training) -> Section:
    """Returns how the training went."""
    if not training.course:
        body = "<p>The run has no metrics.jsonl, so nothing is known of its epochs.</p>"
        return Section("Training", body, name="training")
    last = training.course[-1]
    monitor = f"val_{training.monitor}"
    speeds = [line["tasks_per_s"] for line in training.course if "tasks_per_s" in line]
    told = [
        f"Epoch {last['best_epoch']:g} of {last['epoch']:g} is the best, with "
        f"{monitor} {last[f'best_{monitor}']:.4f}; {training.max_epochs} were allowed."
    ]
    if speeds:
        told.append(f"{statistics.median(speeds):,.0f} tasks per second in the median.")
    figure = captioned(
        course_figure(training.course, training.monitor),
        "course",
        "Look for a curve of meta-validation that has flattened out; the dashed line "
        "is the epoch whose weights were kept. Bad would be a best epoch at the very "
        "end, which asks for more of them, or meta-train that goes on getting better "
        "while meta-validation gets worse. Figures of meta-train are taken with "
        "dropout and with fewer support pairs, so that they may be the worse ones. A "
        "slow first epoch is the graph being compiled.",
    )
    return Section(
        "Training",
        bullet_list(told) + figure,
        "Metrics by epoch. Epochs are chosen on meta-validation.",
        name="training",
    )


def latency_section(rows: Sequence[Latency], version: pathlib.Path | None) -> Section:
    """Returns how long the export takes to answer.

    Args:
        rows: What was measured.
        version: The newest export of the run, None if there is none.
    """
    if not rows:
        missing = "is none" if version is None else f"is {version.name}, without any"
        body = (
            "<p>This takes an export with recorded requests, and there "
            f"{missing}: run <code>cmml export</code>, then this report again.</p>"
        )
        return Section("Latency", body, name="latency")
    assert version is not None
    return Section(
        "Latency",
        sortable(latency_table(rows)),
        f"Version {version.name}. Here is in this process, one request at a time, on "
        "the machine that wrote the report: the requests that the export records for "
        "the warm-up of a server. A server adds its transport, which cmml bench "
        "measures; with --output RUN/bench it is shown too. Bad would be a "
        "90th percentile far above the median, or times that you cannot afford.",
        name="latency",
    )


def provenance_section(found: Provenance) -> Section:
    """Returns where the run comes from and how to get it again."""
    columns = [Column("name", "what"), Column("value", "value")]
    rows = [{"name": name, "value": value} for name, value in found.facts.items()]
    table = ResultTable("provenance", "provenance", "", columns, rows)
    return Section(
        "Provenance",
        sortable(table)
        + "<p>To get it again:</p>"
        + commands(found.commands)
        + folded("The configuration", commands(found.config.splitlines())),
        "Equal fingerprints are equal data and equal configurations. Bad would be a "
        "data set or a run that you do not recognise.",
        name="provenance",
    )
