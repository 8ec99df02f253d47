"""The tables of a comparison."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.evaluation.intervals import Interval, bootstrap_mean
from models.evaluation.metric import Metric
from pipeline.judging.interval_text import cell, p_text, signed, task_counts
from pipeline.judging.results import CMML, MethodResult
from pipeline.judging.statistics import Difference, Standing, seed_interval, standing
from pipeline.reports.comparison.summary import Summary
from pipeline.reports.page.result_table import FAILED, METHOD, Column, ResultTable, Row
from transforms.plural import counted


def all_tables(summary: Summary) -> list[ResultTable]:
    """Returns every table that there is something to put in, the main one first."""
    tables = [main_table(summary)]
    if summary.setup.few_shot:
        tables.append(few_shot_table(summary))
    if len(summary.setup.groups) > 1:
        tables.append(group_table(summary))
    if summary.reference is not None and summary.of(summary.reference):
        tables.append(standing_table(summary))
    return tables


def main_table(summary: Summary) -> ResultTable:
    """Returns a row for each method: quality, differences, costs and doubts."""
    setup = summary.setup
    about = setup.groups[setup.main_group]
    return ResultTable(
        name="main",
        title=f"All methods on {setup.main_group}",
        note=f"{setup.main_group}: {about}; {counted(setup.num_tasks, 'task')} of "
        f"{setup.split}, means of {_counts(summary)}. "
        "Each task counts with the mean of its seeds; 95 % bootstrap intervals over "
        "tasks in brackets. Over seeds stands the 95 % t interval of their means; "
        "the column before says how many there are. p-values are two-sided, of a "
        "paired bootstrap over tasks, corrected by Holm's method for all methods "
        "compared with the same one; before that none is below 2 / "
        f"{setup.num_resamples + 1}, all that so many resamples can tell. "
        f"{' '.join([_directions(setup.metrics), *setup.notes])}",
        columns=_main_columns(summary),
        rows=[_main_row(summary, result) for result in summary.results],
    )


def short_table(summary: Summary) -> ResultTable:
    """Returns what decides of the main table, which a terminal has room for."""
    table = main_table(summary)
    base = "less_cmml" if summary.less_cmml else "less_reference"
    shown = (METHOD.key, summary.setup.primary, base, f"{base}_holm_p")
    columns = [one for one in table.columns if one.key in shown]
    return dataclasses.replace(table, columns=columns)


def few_shot_table(summary: Summary) -> ResultTable:
    """Returns a row for each method and a column for each size of support set."""
    setup = summary.setup
    titles = {group: str(size) for size, group in setup.few_shot.items()}
    return _by_group(
        summary,
        titles,
        name="few_shot",
        title=f"{setup.primary} by size of the support set",
        note="Columns are the pairs of the support set that are shown at most; the "
        f"query pairs are the same. {_directions([setup.metric])}",
    )


def group_table(summary: Summary) -> ResultTable:
    """Returns a row for each method and a column for each group of tasks."""
    setup, groups = summary.setup, summary.setup.groups
    sizes = "; ".join(
        f"{name}: {about} ({counted(_num_tasks(summary, name), 'task')})"
        for name, about in groups.items()
    )
    return _by_group(
        summary,
        {name: name for name in groups},
        name="groups",
        title=f"{setup.primary} by group",
        note=f"{sizes}. {_directions([setup.metric])}",
    )


def _directions(metrics: Sequence[Metric]) -> str:
    words = {one.name: one.better for one in metrics if one.direction}
    if len(set(words.values())) == 1:
        word, *_ = words.values()
        return f"{word.capitalize()} is better; the best is in bold."
    pairs = [f"{word} {name}" for name, word in words.items()]
    return f"Better is {', '.join(pairs)}; the best is in bold."


def _seed_text(interval: Interval) -> str:
    return f"[{interval.low:.4f}, {interval.high:.4f}]"


def _main_columns(summary: Summary) -> list[Column]:
    primary, base = summary.setup.primary, summary.reference
    better = summary.direction
    columns = [
        METHOD,
        Column("kind", "kind"),
        Column(primary, primary, cell, Interval, better, is_decisive=True),
        Column("num_seeds", "seeds", "{:d}".format),
        Column("seeds", "over seeds", _seed_text, Interval),
    ]
    columns += [
        Column(one.name, one.name, "{:.4f}".format, better=one.direction)
        for one in summary.setup.metrics[1:]
    ]
    for key, name in (("less_reference", base), ("less_cmml", CMML)):
        if getattr(summary, key):
            columns += [
                Column(key, f"{primary} less {name}", signed, Interval),
                Column(f"{key}_holm_p", f"Holm p, {name}", p_text),
            ]
    return [
        *columns,
        Column("num_parameters", "parameters", "{:,}".format),
        Column("train_s", "training, s", "{:,.1f}".format),
        Column("adapt_ms", "adapt, ms/task", "{:.3g}".format),
        Column("peak_mb", "peak, MB", "{:,.1f}".format),
        Column("flags", "flags"),
    ]


def _main_row(summary: Summary, result: MethodResult) -> Row:
    setup = summary.setup
    group, primary = setup.main_group, setup.primary
    values = result.values.get(group, {}).get(primary)
    flags = [f"{FAILED}: {result.failure}"] if result.failure else [*result.flags]
    row: dict[str, Any] = {
        "method": result.name,
        "kind": result.kind,
        primary: summary.quality.get((result.name, group)),
        "num_seeds": None if values is None else len(values),
        "seeds": None if values is None else seed_interval(values),
        "num_parameters": result.num_parameters or None,
        "train_s": _or_none(result.train_s),
        "adapt_ms": _or_none(result.adapt_ms),
        "peak_mb": _or_none(result.peak_mb),
        "flags": ", ".join(flags) or None,
        "failure": result.failure,
    }
    row |= {one.name: _mean(result, group, one.name) for one in setup.metrics[1:]}
    row |= _difference("less_reference", summary.less_reference.get(result.name))
    return row | _difference("less_cmml", summary.less_cmml.get(result.name))


def _difference(key: str, difference: Difference | None) -> dict[str, Any]:
    if difference is None:
        return {}
    return {key: difference.interval, f"{key}_holm_p": difference.holm_p}


def _mean(result: MethodResult, group: str, metric: str) -> float | None:
    values = result.by_task(group, metric)
    if values is None or np.isnan(values).all():
        return None
    return float(np.nanmean(values))


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _by_group(
    summary: Summary, titles: Mapping[str, str], *, name: str, title: str, note: str
) -> ResultTable:
    """Returns the primary metric of each method, a column for each group."""
    columns: Sequence[Column] = [
        Column(
            *(group, heading, cell, Interval),
            better=0 if group in summary.setup.controls else summary.direction,
            is_decisive=True,
        )
        for group, heading in titles.items()
    ]
    rows = [
        {"method": one.name, "failure": one.failure}
        | {group: summary.quality.get((one.name, group)) for group in titles}
        for one in summary.results
    ]
    return ResultTable(name, title, note, [METHOD, *columns], rows)


def _counts(summary: Summary) -> str:
    """Says how many tasks of the main group each metric is of."""
    setup = summary.setup
    counts: dict[str, Interval] = {}
    for one in reversed(summary.scored):
        for metric in setup.metrics:
            values = one.by_task(setup.main_group, metric.name)
            if values is not None:
                counts[metric.name] = bootstrap_mean(values, 0, 1)
    return task_counts([metric.name for metric in setup.metrics], counts)


def _num_tasks(summary: Summary, group: str) -> int:
    """Counts the tasks of a group that have a value, by the first method with some."""
    for one in summary.scored:
        values = one.by_task(group, summary.setup.primary)
        if values is not None:
            return int(np.isfinite(values).sum())
    return 0


def hyperparameter_table(summary: Summary) -> ResultTable:
    """Returns what each method was tuned to, and what else was tried."""
    return ResultTable(
        name="hyperparameters",
        title="Hyperparameters chosen",
        note="Each trained method had at most "
        f"{counted(summary.setup.num_trials, 'trial')} with the first seed; "
        "the best figure on meta-validation was taken, higher being better.",
        columns=[METHOD, Column("chosen", "chosen"), Column("trials", "trials")],
        rows=[
            {
                "method": one.name,
                "chosen": _options(one.hyperparameters) or "none",
                "trials": _trials(one) or None,
            }
            for one in summary.results
        ],
    )


def _trials(result: MethodResult) -> str:
    """Returns a line for each trial; none where there was no choice."""
    return "\n".join(
        f"{_options(changes) or 'defaults'}: "
        + (FAILED if figure is None else f"{figure:.4f}")
        for changes, figure in (result.trials if len(result.trials) > 1 else ())
    )


def _options(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in options.items())


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
