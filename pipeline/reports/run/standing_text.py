"""How CMML stands beside baselines and its own prior, as tables and sentences."""

from collections.abc import Mapping, Sequence

import numpy as np

from models.evaluation.intervals import NO_DIFFERENCE, Floats, Interval
from models.evaluation.metric import MIN_TASKS, Metric
from models.evaluation.shown import Shown
from pipeline.judging.beside_baselines import BesideBaselines, BesideBest
from pipeline.judging.differences import Contrast, Differences
from pipeline.judging.evaluation import (
    CLOSED_FORM,
    CMML,
    OWN,
    exchanged_groups,
    open_groups,
)
from pipeline.judging.interval_text import p_text, signed, untold
from pipeline.judging.statistics import LEVEL
from pipeline.reports.page.result_table import Column, ResultTable
from transforms.plural import counted, plural

_LESS_IT = f"{CMML} less it"


def overall_sentence(beside: BesideBaselines) -> str:
    """Says what all comparisons come to, and where CMML is worse beyond chance.

    If all are of too few tasks, nothing is claimed and nothing denied.
    """
    if beside.overall is None:
        return (
            f"No baseline was evaluated, so nothing can be said of {CMML} beside one."
        )
    differences = [one.difference for one in beside.all]
    if cannot := untold(max(differences, key=lambda one: one.num_tasks or 0)):
        return (
            f"How {CMML} stands beside baselines {cannot}: fewer than {MIN_TASKS} do "
            "not tell methods apart."
        )
    better, level = beside.those("better"), beside.those("level")
    worse = beside.those("worse")
    names = [_where(one, one in beside.without_pool) for one in worse]
    where = f": {'; '.join(names)}" if worse else ""
    both = ", with a pool and without" if beside.without_pool else ""
    return (
        f"Overall {beside.overall}: beside the best baseline of each metric and "
        f"support size{both}, {CMML} is better beyond chance in {len(better)} of "
        f"{counted(len(beside.all), 'comparison')}, level in {len(level)} and worse "
        f"beyond chance in {len(worse)}{where}. Level: p > {LEVEL} once corrected for "
        f"so many comparisons (Holm p), or fewer than {MIN_TASKS} tasks."
    )


def metric_table(beside: BesideBaselines) -> ResultTable:
    """Returns how CMML stands by each metric, with the tasks where these differ."""
    rows = {one.metric.name: one for one in beside.by_metric}
    return _table("by-metric", "By metric", "metric", rows)


def size_table(beside: BesideBaselines) -> ResultTable:
    """Returns how CMML stands at each support size."""
    rows = {"all" if one.size is None else f"{one.size}": one for one in beside.by_size}
    return _table("by-size", "By support pairs shown", "support pairs", rows)


def pool_table(beside: BesideBaselines) -> ResultTable:
    """Returns how CMML stands where no pool is given."""
    rows = {one.group: one for one in beside.without_pool}
    return _table("without-pool", "Without a pool", "task", rows)


def further_sentences(beside: BesideBaselines) -> list[str]:
    """Says by which other metrics CMML is worse beyond chance without a pool."""
    worse = [one for one in beside.further if one.standing == "worse"]
    if not worse:
        return []
    named = "; ".join(
        f"{one.metric.name} beside {one.baseline}, {signed(one.difference)}"
        for one in worse
    )
    return [
        f"Without a pool {CMML} is worse beyond chance by metrics that do not decide: "
        f"{named}."
    ]


def support_sentences(
    metric: Metric, groups: Sequence[Shown], differences: Differences
) -> list[str]:
    """Says what the own support sets of tasks are worth to CMML.

    Args:
        metric: The metric that decides.
        groups: Groups, of which those with the support sets of others are looked at.
        differences: CMML with the own less CMML with those of others among them.
    """
    sentences = []
    for other, own in exchanged_groups(groups):
        where = " without a pool" if own in open_groups(groups) else ""
        found = differences.get(Contrast(metric.name, CMML, own, CMML, other))
        if found is not None:
            said = _worth(metric, found, where)
            sentences.append(f"{said}: own less other, {signed(found)}.")
    return sentences


def closed_form_sentences(
    metric: Metric, group: str, differences: Differences
) -> list[str]:
    """Says what context and backbone add to the prior of CMML alone, if there is one.

    Args:
        metric: The metric that decides.
        group: The main group.
        differences: CMML less its prior among them.
    """
    contrast = Contrast(metric.name, CMML, group, CLOSED_FORM, group)
    if (found := differences.get(contrast)) is None:
        return []
    what = f"What context and backbone add to {CLOSED_FORM}, the prior of {CMML} alone"
    figure = f"{signed(found)} of {metric.name}"
    if cannot := untold(found):
        return [f"{what}, {cannot}: {figure}."]
    does = {
        None: "no difference beyond chance",
        True: "to the better beyond chance",
        False: "to the worse beyond chance",
    }[metric.is_better(found)]
    return [f"{what}: {figure}, {does}."]


def equal_sentences(by_method: Mapping[str, Mapping[str, Floats]]) -> list[str]:
    """Says which methods come to the same figures on every task, and why.

    Args:
        by_method: By name of the method and of the metric, a value of each task.
    """
    sentences = []
    for names in equal_methods(by_method):
        why = ""
        if CMML in names:
            why += f" What the networks of {CMML} add to its prior changes no figure."
        others = [name for name in names if name not in OWN]
        if CLOSED_FORM in names and others:
            does = plural(len(others), "computes", "compute")
            why += f" The prior of {CMML} is what {', '.join(others)} {does}."
        sentences.append(f"Equal on every task: {', '.join(names)}.{why}")
    return sentences


def target_sentences(
    metrics: Sequence[Metric], intervals: Mapping[str, Interval]
) -> list[str]:
    """Says what CMML has of the metrics that have a target.

    Args:
        metrics: All metrics.
        intervals: What CMML has in the main group, by name of the metric.
    """
    return [
        f"Of {CMML}, {one.sentence.format(intervals[one.name].mean)} ({one.name})."
        for one in metrics
        if one.target is not None and one.name in intervals
    ]


def _worth(metric: Metric, difference: Interval, where: str) -> str:
    """Says what another support set does, by the own one less it."""
    subject = "the support set of another task"
    if cannot := untold(difference):
        return f"Whether {subject} matters to {metric.name}{where} {cannot}"
    does = {
        None: "makes no difference beyond chance to",
        True: "worsens",
        False: "betters",
    }[metric.is_better(difference)]
    return f"{subject.capitalize()} {does} {metric.name}{where}"


def _where(one: BesideBest, is_open: bool) -> str:
    """Names a comparison."""
    if is_open:
        return f"{one.metric.name} without a pool"
    if one.size is None:
        return one.metric.name
    return f"{one.metric.name} with {counted(one.size, 'support pair')}"


def _standing(one: BesideBest) -> str:
    return "few tasks" if untold(one.difference) else one.standing


def _table(
    name: str, title: str, first: str, comparisons: Mapping[str, BesideBest]
) -> ResultTable:
    """Returns a row for each comparison, by what stands in the first column."""
    columns = [
        Column("first", first),
        Column("baseline", "best baseline"),
        Column("difference", _LESS_IT, signed, Interval),
        Column("holm_p", "Holm p", p_text),
        Column("standing", "verdict"),
    ]
    if len({one.difference.num_tasks for one in comparisons.values()}) > 1:
        columns.insert(1, Column("num_tasks", "tasks", "{:,}".format))
    rows = [
        {"first": label, "standing": _standing(one)}
        | {"num_tasks": one.difference.num_tasks}
        | vars(one)
        for label, one in comparisons.items()
    ]
    return ResultTable(name, title, "", columns, rows)


def equal_methods(by_method: Mapping[str, Mapping[str, Floats]]) -> list[list[str]]:
    """Finds methods of which no figure of any task differs.

    Args:
        by_method: By name of the method and of the metric, float64 [T], a value of
            each task; NaN where it has none.

    Returns:
        The names of those that are alike, two or more together, in their order.
    """
    alike: list[list[str]] = []
    for name, metrics in by_method.items():
        for names in alike:
            if _are_equal(metrics, by_method[names[0]]):
                names.append(name)
                break
        else:
            alike.append([name])
    return [names for names in alike if len(names) > 1]


def _are_equal(one: Mapping[str, Floats], other: Mapping[str, Floats]) -> bool:
    return one.keys() == other.keys() and all(
        np.allclose(
            one[name], other[name], rtol=0.0, atol=NO_DIFFERENCE, equal_nan=True
        )
        for name in one
    )
