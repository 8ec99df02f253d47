"""A run as one HTML file that needs nothing else, not even a network."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence

from models.evaluation.intervals import Interval
from models.evaluation.metric import Metric
from models.options import MemberOptions
from pipeline.insight.contexts import KINDS, TaskContexts, thinned
from pipeline.insight.modulation_values import Values
from pipeline.judging.evaluation import CMML
from pipeline.reports.insight.clusterings import clustering_table, clusterings
from pipeline.reports.insight.map import context_maps
from pipeline.reports.page.render import render
from pipeline.reports.page.result_table import ResultTable
from pipeline.reports.run.advice import advice
from pipeline.reports.run.breakdown import MIN_TASKS
from pipeline.reports.run.evaluated_run import EvaluatedRun
from pipeline.reports.run.figures import (
    calibration_figure,
    course_figure,
    data_figure,
    group_figure,
    metrics_of_both,
    rank_figure,
)
from pipeline.reports.run.findings import Findings
from pipeline.reports.run.latency import Latency
from pipeline.reports.run.modulation import group_modulations, largest_groups
from pipeline.reports.run.provenance import Provenance
from pipeline.reports.run.standing_text import metric_table, pool_table, size_table
from pipeline.reports.run.tables import (
    bin_table,
    fact_table,
    group_table,
    joins_table,
    latency_table,
    left_out_table,
    metrics_table,
    rows_table,
    split_table,
    worst_table,
)
from pipeline.reports.run.verdict import verdict
from pipeline.reports.run.worst_tasks import MIN_WORST
from pipeline.training.course import median_speed
from transforms.reading.row_error import REASONS

_MIN_CONTEXTS = 10  # Fewer make no map.
_MAX_MAPPED = 600  # More take seconds and show no more; `cmml insight` maps more.


@dataclasses.dataclass(frozen=True, eq=False)
class RunReport:
    """All that the page is made of.

    Attributes:
        name: Of the experiment.
        description: What the run is, in a sentence.
        model: The members and sizes that it has.
        findings: What was measured.
        groups: What each group of `evaluate` to show is made of, by name.
        metrics: Metrics to show.
        task_names: Names of tasks by id, where they have one.
        contexts: Contexts of meta-test.
        modulations: What the contexts of the tasks of `largest_groups` change.
        latency: What the export takes.
        version: The export of the configuration, None if there is none.
        provenance: Where the run comes from.
    """

    name: str
    description: str
    model: MemberOptions
    findings: Findings
    groups: Mapping[str, str]
    metrics: Sequence[Metric]
    task_names: Mapping[str, str]
    contexts: TaskContexts
    modulations: Mapping[str, Values]
    latency: Sequence[Latency]
    version: pathlib.Path | None
    provenance: Provenance


def run_page(report: RunReport) -> str:
    """Returns the page: the verdict first, then what it rests on."""
    findings = report.findings
    run, data, training = findings.evaluated, findings.data, findings.training
    next_steps = advice(findings, report.model)
    return render(
        "run.html",
        report=report,
        findings=findings,
        verdict=[*verdict(findings), f"What next? {next_steps[0]}"],
        advice=next_steps,
        num_unseen_items=int((data.item_counts[1:] == 0).sum()),
        splits=split_table(data),
        data_figure=data_figure(data),
        left_out=left_out_table(data, REASONS),
        rows=rows_table(data),
        joins=joins_table(data),
        examples=[json.dumps(row, ensure_ascii=False) for row in data.examples],
        tasks_per_s=median_speed(training.course),
        course_figure=course_figure(training.course, training.monitor),
        metrics_of_both=metrics_of_both(training.course),
        metrics=[
            metrics_table(run, group, report.metrics, _gaps(run, group), title=title)
            for group, title in report.groups.items()
        ],
        standings=_standings(run),
        min_tasks=MIN_TASKS,
        groups=_group_views(findings),
        features=group_table("features", findings.features, run.strongest),
        min_worst=MIN_WORST,
        worst_table=worst_table(run, findings.worst, report.task_names),
        bins=bin_table(findings.calibration.bins if findings.calibration else ()),
        score_figure=_score_figure(findings),
        context=_context_space(report.contexts),
        modulation=group_modulations(
            largest_groups(report.contexts), report.modulations
        ),
        latency=latency_table(report.latency),
        facts=fact_table(report.provenance),
    )


def _gaps(run: EvaluatedRun, group: str) -> dict[str, Interval]:
    """Returns CMML less each baseline on a group, by name of the baseline."""
    own = run.by_task(CMML, group)
    return {
        method: run.difference(own, run.by_task(method, group))
        for method, rows in run.scores.items()
        if method != CMML and group in rows
    }


def _standings(run: EvaluatedRun) -> list[ResultTable]:
    """Returns CMML beside all baselines, in the tables that have a row."""
    tables = metric_table(run.beside), size_table(run.beside), pool_table(run.beside)
    return [table for table in tables if table.rows]


def _group_views(findings: Findings) -> dict[str, tuple[str, ResultTable]]:
    """Returns the groups of each kind that has some, by its name: SVG and a table."""
    run = findings.evaluated
    kinds = {
        "support": findings.support,
        "popularity": findings.popularity,
        "activity": findings.activity,
    }
    return {
        name: (
            group_figure(name, groups, run.metric, run.strongest),
            group_table(name, groups, run.strongest),
        )
        for name, groups in kinds.items()
        if groups
    }


def _score_figure(findings: Findings) -> str:
    """Draws what can be said of scores: of labels calibration, of clicks ranks."""
    run = findings.evaluated
    main = run.main
    if findings.calibration is not None:
        return calibration_figure(findings.calibration, run.scores[CMML][main])
    methods = [CMML, *([run.strongest] if run.strongest else [])]
    return rank_figure({method: run.scores[method][main] for method in methods})


def _context_space(contexts: TaskContexts) -> tuple[dict[str, str], ResultTable] | None:
    """Returns maps by kind of label, and how contexts cluster; None of too few."""
    if len(contexts.task_ids) < _MIN_CONTEXTS:
        return None
    mapped = thinned(contexts, _MAX_MAPPED)
    clusters = clustering_table(clusterings(contexts))
    return context_maps(mapped, KINDS), clusters
