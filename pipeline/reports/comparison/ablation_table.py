"""The results of an ablation as tables for people, in Markdown."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.evaluation.metric import Metric
from pipeline.judging.ablation import AblationSummary, VariantSummary
from pipeline.judging.interval_text import cell, signed, task_counts
from pipeline.judging.variant_grid import Table
from pipeline.reports.page.result_table import FAILED, layout


def ablation_report(
    name: str,
    split: str,
    tables: Sequence[Table],
    summary: AblationSummary,
    metric: Metric,
) -> str:
    """Lays the tables out in Markdown.

    A table with columns comes as a matrix of the metric first, then like the others
    with a row for each variant and for each reference. Why a training failed stands
    below its table.

    Args:
        name: Name of the grid.
        split: The split that was scored.
        tables: The tables.
        summary: Their results.
        metric: What decides.
    """
    changed = "".join(f" --set {override}" for override in summary.overrides)
    order = metric.better.capitalize()
    parts = [
        f"# Ablation {name} on {split}",
        f"Seeds: {', '.join(map(str, summary.seeds))}.{changed}",
        f"Means over {_num_tasks(summary)}, each the mean of its seeds; 95 % "
        f"bootstrap intervals over tasks in brackets. {order} {metric.name} is better. "
        f"`other support` is what the support set of another task adds to "
        f"{metric.name}, `no support` is {metric.name} without any.",
    ]
    header = _header(summary, metric)
    for table in tables:
        results = summary.variants[table.title]
        parts.append(f"## {table.title}")
        if table.columns:
            parts.append(_matrix(table, results, metric))
        rows = [_row(name, result, len(header)) for name, result in results.items()]
        rows += [
            _row(f"*{name}*", one, len(header))
            for name, one in summary.references.items()
        ]
        parts.append(layout(header, rows))
        parts += [
            f"{name} {FAILED}: {' '.join(result.split())}"
            for name, result in results.items()
            if isinstance(result, str)
        ]
    return "\n\n".join(parts) + "\n"


def _num_tasks(summary: AblationSummary) -> str:
    one = next(iter(summary.references.values()))
    return task_counts(one.metrics, one.metrics)


def _header(summary: AblationSummary, metric: Metric) -> list[str]:
    reference, one = next(iter(summary.references.items()))
    further = list(one.metrics)[1:]
    return [
        *("variant", metric.name, "sd of seeds", *further),
        *(f"{metric.name} less {reference}", f"{metric.name} less first row"),
        *("other support", "no support", "tasks/s", "parameters"),
    ]


def _row(name: str, result: VariantSummary | str, width: int) -> list[str]:
    if isinstance(result, str):
        return [name, FAILED, *["-"] * (width - 2)]
    first, *further = result.metrics.values()
    return [
        name,
        cell(first),
        _or_dash(result.seed_deviation, ".4f"),
        *(_or_dash(interval.mean, ".4f") for interval in further),
        signed(result.less_reference),
        signed(result.less_first) if result.less_first else "-",
        _or_dash(result.other_support.mean, "+.4f"),
        _or_dash(result.no_support.mean, ".4f"),
        _or_dash(result.tasks_per_s, ".0f"),
        f"{result.num_parameters:,}" if result.num_parameters else "-",
    ]


def _matrix(
    table: Table, results: Mapping[str, VariantSummary | str], metric: Metric
) -> str:
    rows: dict[str, list[str]] = {}
    for variant in table.variants:
        result = results[variant.name]
        text = FAILED
        if not isinstance(result, str):
            text = cell(result.metrics[metric.name])
        rows.setdefault(variant.row, [variant.row]).append(text)
    return layout([metric.name, *table.columns], list(rows.values()))


def _or_dash(value: float, form: str) -> str:
    return "-" if np.isnan(value) else format(value, form)
