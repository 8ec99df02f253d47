"""The metric of CMML and of the baselines in groups of tasks, users and items."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from models.evaluation.intervals import Floats, Interval
from models.evaluation.scored_pairs import ScoredPairs, join_pairs
from pipeline.judging.evaluation import CLOSED_FORM, CMML
from pipeline.reports.run.bands import SUPPORT_BANDS
from pipeline.reports.run.evaluated_run import EvaluatedRun
from pipeline.settings.data_facts import PairGroup

MIN_TASKS = 5  # Of fewer no interval is shown.
MIN_CLAIMED = 20  # Of fewer an interval is too narrow to claim anything by.
BY_SUPPORT = "support pairs shown"


@dataclasses.dataclass(frozen=True)
class GroupFigures:
    """How CMML does in one group.

    Attributes:
        kind: What groups are told apart by.
        label: Which one it is.
        num_tasks: Tasks with a pair in it.
        num_pairs: Pairs.
        cmml: The mean over tasks.
        strongest: That of the baseline that is strongest over all; None without one.
        gap: CMML less it, over the same tasks.
        best: The baseline with the best mean in this group, of those that have a
            score for each of its tasks; the prior of CMML is none.
        less_best: CMML less that one.
    """

    kind: str
    label: str
    num_tasks: int
    num_pairs: int
    cmml: Interval
    strongest: Interval | None = None
    gap: Interval | None = None
    best: str | None = None
    less_best: Interval | None = None


def break_down(
    run: EvaluatedRun, groups: Iterable[PairGroup], within: str
) -> list[GroupFigures]:
    """Returns the figures of each group that has enough tasks.

    Args:
        run: The scores.
        groups: The groups.
        within: The group of `evaluate` whose pairs they are made of.
    """
    scores = {
        method: groups[within]
        for method, groups in run.scores.items()
        if within in groups
    }
    figures = []
    for group in groups:
        chosen = {
            method: pairs.select(group.holds(pairs)) for method, pairs in scores.items()
        }
        values = {method: run.values(pairs) for method, pairs in chosen.items()}
        num_pairs = chosen[CMML].task.size
        figures.append(_figures(run, group.kind, group.label, num_pairs, values))
    return [one for one in figures if one is not None]


def by_support(run: EvaluatedRun) -> list[GroupFigures]:
    """Returns the figures of each band of support sizes.

    A task counts once in a band, with the most pairs of it that it was shown.

    Args:
        run: The scores, in groups that differ in the pairs shown.
    """
    by_size = {method: run.by_size(method) for method in run.scores}
    figures = []
    for band, label in enumerate(SUPPORT_BANDS.labels):
        in_band = {
            method: pairs
            for method, parts in by_size.items()
            if (pairs := _in_band(parts, band)) is not None
        }
        if CMML in in_band:
            values = {method: run.values(pairs) for method, pairs in in_band.items()}
            num_pairs = in_band[CMML].task.size
            figures.append(_figures(run, BY_SUPPORT, label, num_pairs, values))
    return [one for one in figures if one is not None]


def _in_band(parts: Sequence[ScoredPairs], band: int) -> ScoredPairs | None:
    """Returns the pairs of each task with the largest support size in a band."""
    chosen = []
    for order, part in enumerate(parts):
        is_inside = SUPPORT_BANDS.place(part.support_size) == band
        if is_inside.any():
            chosen.append((order, part.select(is_inside)))
    if not chosen:
        return None
    pairs = join_pairs([part for _, part in chosen], same_tasks=True)
    order_of = np.concatenate(
        [np.full(part.task.size, order) for order, part in chosen]
    )
    # Of two groups that show the same pairs of a task, the later counts.
    key = pairs.support_size * len(parts) + order_of
    most = np.full(pairs.num_tasks, -1)
    np.maximum.at(most, pairs.task, key)
    return pairs.select(key == most[pairs.task])


def _figures(
    run: EvaluatedRun, kind: str, label: str, num_pairs: int, values: dict[str, Floats]
) -> GroupFigures | None:
    own = values.pop(CMML)
    tasks = ~np.isnan(own)
    num_tasks = int(tasks.sum())
    if num_tasks < MIN_TASKS:
        return None
    known = {
        name: one
        for name, one in values.items()
        if name != CLOSED_FORM and not np.isnan(one[tasks]).any()
    }
    if run.strongest not in known:
        return GroupFigures(kind, label, num_tasks, num_pairs, run.interval(own))
    strongest = known[run.strongest]
    best = max(known, key=lambda m: run.metric.direction * float(np.nanmean(known[m])))
    vectors = own, strongest, own - strongest, own - known[best]
    cmml, of_strongest, gap, less_best = run.intervals(vectors)
    return GroupFigures(
        *(kind, label, num_tasks, num_pairs, cmml),
        strongest=of_strongest,
        gap=gap,
        best=best,
        less_best=less_best,
    )
