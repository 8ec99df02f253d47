"""The tables of the report."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.evaluation.intervals import Interval
from models.evaluation.metric import Metric
from pipeline.judging.evaluation import CMML
from pipeline.judging.interval_text import cell, signed, task_counts
from pipeline.reports.page.result_table import METHOD, Column, ResultTable
from pipeline.reports.run.breakdown import GroupFigures
from pipeline.reports.run.calibration import Bin
from pipeline.reports.run.evaluated_run import EvaluatedRun
from pipeline.reports.run.latency import Latency
from pipeline.reports.run.provenance import Provenance
from pipeline.reports.run.worst_tasks import WorstTasks
from pipeline.settings.data_facts import DataFacts
from transforms.left_out import REASONS

_NUM_WORST = 20
_COUNT = "{:,}".format

_SHARE = "{:.1%}".format


def metrics_table(
    run: EvaluatedRun,
    group: str,
    metrics: Sequence[Metric],
    gaps: Mapping[str, Interval],
    title: str,
) -> ResultTable:
    """Returns the metrics of every method on a group, as `metrics.json` has them.

    Args:
        run: What `evaluate` left.
        group: The group.
        metrics: Those shown.
        gaps: By method, CMML less it, of the metric that methods are judged by.
        title: What the group is made of.
    """
    columns = [
        Column(one.name, one.name, cell, Interval, better=one.direction)
        for one in metrics
    ]
    if gaps:
        place = list(metrics).index(run.metric) + 1
        heading = f"{run.metric.name}, cmml less it"
        columns.insert(place, Column("gap", heading, signed, Interval))
    columns.insert(0, METHOD)
    rows = [
        {"method": method, **{one.name: groups[group].get(one.name) for one in metrics}}
        | ({"gap": gaps[method]} if method in gaps else {})
        for method, groups in run.summary.items()
        if group in groups
    ]
    intervals = run.summary[CMML].get(group, {})
    note = f"Means of {task_counts([one.name for one in metrics], intervals)}."
    if (gain := run.scores[CMML][run.main].label_gain) is not None:
        note += f" The gain of ndcg is {gain.words}."
    return ResultTable(f"metrics-{group}", title, note, columns, rows)


def group_table(
    name: str, figures: Sequence[GroupFigures], strongest: str | None
) -> ResultTable:
    """Returns the figures of groups.

    Args:
        name: Of the table.
        figures: The groups.
        strongest: The baseline that is shown beside; None for none.
    """
    is_one_kind = len({group.kind for group in figures}) == 1
    columns = [
        *([] if is_one_kind else [Column("kind", "of")]),
        Column("label", figures[0].kind if is_one_kind else "group"),
        Column("num_tasks", "tasks", _COUNT),
        Column("num_pairs", "pairs", _COUNT),
        Column("cmml", "cmml", cell, Interval),
    ]
    if strongest is not None:
        columns += [
            Column("strongest", strongest, cell, Interval),
            Column("gap", f"cmml less {strongest}", signed, Interval),
            Column("best", "best baseline here"),
            Column("less_best", "cmml less that", signed, Interval),
        ]
    return ResultTable(name, name, "", columns, [vars(group) for group in figures])


def split_table(data: DataFacts) -> ResultTable:
    """Returns the size of each split, and of its support sets."""
    columns = [
        Column("split", "split"),
        Column("tasks", "tasks", _COUNT),
        Column("support", "support pairs", _COUNT),
        Column("median", "a task, median", "{:,.0f}".format),
        Column("range", "least to most"),
        Column("query", "query pairs", _COUNT),
        Column("new", "of these on items never seen in training", "{:.2%}".format),
    ]
    rows = [
        {
            "split": split.split,
            "tasks": split.support_sizes.size,
            "support": int(split.support_sizes.sum()),
            "median": float(np.median(split.support_sizes)),
            "range": f"{split.support_sizes.min():,} to {split.support_sizes.max():,}",
            "query": split.num_query_pairs,
            "new": split.num_new_item_pairs / split.num_query_pairs
            if split.num_query_pairs
            else None,
        }
        for split in data.splits
    ]
    return ResultTable("splits", "splits", "", columns, rows)


def left_out_table(data: DataFacts, reasons: Mapping[str, str]) -> ResultTable:
    """Returns how many rows were refused and left out, and why.

    Args:
        data: The data set.
        reasons: What each code of a refused row means.
    """
    columns = [
        Column("what", "what"),
        Column("reason", "reason"),
        Column("count", "count", _COUNT),
    ]
    rows: list[dict[str, Any]] = [
        {"what": "refused", "reason": reasons.get(code, code), "count": count}
        for code, count in data.info.num_rejected.items()
    ]
    rows += [
        {
            "what": "left out",
            "reason": REASONS[code].words if code in REASONS else code,
            "count": count,
        }
        for code, count in data.info.num_dropped.items()
    ]
    return ResultTable("left-out", "left out", "", columns, rows)


def worst_table(
    run: EvaluatedRun, worst: WorstTasks, names: Mapping[str, str]
) -> ResultTable:
    """Returns the worst tasks with what is known of them.

    Args:
        run: The scores.
        worst: The tasks in order.
        names: Names of tasks by id, where they have one.
    """
    own = run.by_task(CMML, run.main)
    columns = [
        Column("task", "task"),
        *([Column("name", "name")] if names else []),
        Column("metric", f"{run.metric.name} of cmml", "{:.4f}".format),
        *(Column(trait, trait, "{:,.4g}".format) for trait in worst.traits),
    ]
    rows = [
        {
            "task": run.task_ids[place],
            "name": names.get(run.task_ids[place], ""),
            "metric": float(own[place]),
            **{trait: float(values[place]) for trait, values in worst.traits.items()},
        }
        for place in worst.order[:_NUM_WORST]
    ]
    return ResultTable("worst", "worst", "", columns, rows)


def bin_table(bins: Sequence[Bin]) -> ResultTable:
    """Returns the predicted and the observed labels of pairs with like scores."""
    columns = [
        Column("num_pairs", "pairs", _COUNT),
        Column("score", "predicted", "{:.3f}".format),
        Column("label", "labels", cell, Interval),
    ]
    return ResultTable("bins", "bins", "", columns, [vars(one) for one in bins])


def fact_table(provenance: Provenance) -> ResultTable:
    """Returns where a run comes from."""
    columns = [Column("name", "what"), Column("value", "value")]
    facts = provenance.facts.items()
    rows = [{"name": name, "value": value} for name, value in facts]
    return ResultTable("provenance", "provenance", "", columns, rows)


def latency_table(rows: Sequence[Latency]) -> ResultTable:
    """Returns how long requests take."""
    columns = [
        Column("signature", "signature"),
        Column("where", "where"),
        Column("tasks", "tasks", _COUNT),
        Column("support", "support pairs", _COUNT),
        Column("candidates", "items to score", _COUNT),
        Column("p50_ms", "median, ms", "{:.2f}".format),
        Column("p90_ms", "90th percentile, ms", "{:.2f}".format),
    ]
    return ResultTable("latency", "latency", "", columns, [vars(row) for row in rows])


def rows_table(data: DataFacts) -> ResultTable:
    """Returns what became of the rows of each table: the last columns add up to all."""
    columns = [
        Column("table", "table"),
        Column("read", "rows", _COUNT),
        Column("used", "used", _COUNT),
        Column("left_out", "left out", _COUNT),
        Column("refused", "refused", _COUNT),
        Column("unreadable", "values of features that cannot be read", _COUNT),
        Column("cut", "rows with more values than are kept", _COUNT),
    ]
    rows = [
        {
            "table": name,
            "read": counts.read,
            "used": counts.used,
            "left_out": counts.left_out.total(),
            "refused": counts.refused.total(),
            "unreadable": counts.unreadable.total(),
            "cut": counts.cut.total(),
        }
        for name, counts in data.info.tables.items()
    ]
    return ResultTable("rows", "rows of each table", "", columns, rows)


def joins_table(data: DataFacts) -> ResultTable:
    """Returns how many ids of each table are found in another one."""
    columns = [
        Column("of", "ids of"),
        Column("left", "looked up from"),
        Column("right", "in"),
        Column("ids", "ids found", _SHARE),
        Column("rows", "rows with a match", _SHARE),
        Column("back", "ids there that are looked up", _SHARE),
    ]
    if any(join.left_examples for join in data.info.joins):
        columns.append(Column("examples", "without a match"))
    rows = [
        {
            "of": join.ids,
            "left": join.left,
            "right": "the same, in another form" if join.is_within else join.right,
            "ids": join.num_both / max(join.num_left, 1),
            "rows": 1.0 - join.unmatched_fraction,
            "back": join.num_both / max(join.num_right, 1),
            "examples": ", ".join(join.left_examples),
        }
        for join in data.info.joins
    ]
    return ResultTable("joins", "how ids match", "", columns, rows)
