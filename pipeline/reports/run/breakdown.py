"""The metric of CMML and of the baselines in groups of tasks, users and items."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from models.evaluation.intervals import Floats, Interval
from pipeline.reports.run.bands import SUPPORT_BANDS
from pipeline.reports.run.evaluated_run import EvaluatedRun
from pipeline.reports.run.groups import Group
from pipeline.reports.run.scored_rows import ScoredRows, join
from pipeline.steps.evaluate import CMML_NAME

MIN_TASKS = 5  # Of fewer no interval is shown.
MIN_CLAIMED = 20  # Of fewer an interval is too narrow to claim anything by.
BY_SUPPORT = "support pairs shown"

# Of the baselines that `evaluate` scores with full support sets only, those that see
# them: they cannot stand beside CMML with fewer pairs.
_SEE_SUPPORT = ("item_pop",)


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
            score for each of its tasks.
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
    run: EvaluatedRun, groups: Iterable[Group], within: str
) -> list[GroupFigures]:
    """Returns the figures of each group that has enough tasks.

    Args:
        run: The scores.
        groups: The groups.
        within: The group of `evaluate` whose pairs they are made of.
    """
    num_tasks = len(run.task_ids)
    rows = {
        method: by_group[within]
        for method, by_group in run.rows.items()
        if within in by_group
    }
    figures = []
    for group in groups:
        chosen = {method: group.holds(pairs) for method, pairs in rows.items()}
        values = {
            method: pairs.by_task(num_tasks, chosen[method])
            for method, pairs in rows.items()
        }
        num_pairs = int(chosen[CMML_NAME].sum())
        figures.append(_figures(run, group.kind, group.label, num_pairs, values))
    return [group for group in figures if group is not None]


def by_support(run: EvaluatedRun) -> list[GroupFigures]:
    """Returns the figures of each band of support sizes.

    A task counts once in a band, with the most pairs of it that it was shown. A
    baseline that was scored once is the same in every band if it does not look at
    support sets, and else in none.

    Args:
        run: The scores, in groups that differ in the pairs shown.
    """
    num_tasks = len(run.task_ids)
    by_size = {method: _all_sizes(run, method) for method in run.rows}
    figures = []
    for band, label in enumerate(SUPPORT_BANDS.labels):
        own = _in_band(by_size[CMML_NAME], band)
        if own is None:
            continue
        values = {CMML_NAME: own.by_task(num_tasks)}
        for method, parts in by_size.items():
            if method == CMML_NAME:
                continue
            rows = _in_band(parts, band)
            if not parts and method not in _SEE_SUPPORT:
                rows = run.rows[method][run.names.main].of_users_in(own)
            if rows is not None:
                values[method] = rows.by_task(num_tasks)
        figures.append(_figures(run, BY_SUPPORT, label, own.task.size, values))
    return [group for group in figures if group is not None]


def _all_sizes(run: EvaluatedRun, method: str) -> list[ScoredRows]:
    """The groups of a method that differ in the pairs shown, the own sets last."""
    groups = run.rows[method]
    few = [rows for name, rows in groups.items() if name.startswith(run.names.few)]
    own = groups.get(run.names.own)
    return few if own is None else [*few, own]


def _in_band(parts: Sequence[ScoredRows], band: int) -> ScoredRows | None:
    """Returns the pairs of each task with the largest support size in a band."""
    parts_in_band = []
    for order, part in enumerate(parts):
        chosen = SUPPORT_BANDS.place(part.support_size) == band
        if chosen.any():
            parts_in_band.append((order, part.select(chosen)))
    if not parts_in_band:
        return None
    rows = join([part for _, part in parts_in_band])
    order_of = np.concatenate(
        [np.full(part.task.size, order) for order, part in parts_in_band]
    )
    # Of two groups that show the same pairs of a task, the later counts.
    key = rows.support_size * len(parts) + order_of
    most = np.full(int(rows.task.max()) + 1, -1)
    np.maximum.at(most, rows.task, key)
    return rows.select(key == most[rows.task])


def _figures(
    run: EvaluatedRun, kind: str, label: str, num_pairs: int, values: dict[str, Floats]
) -> GroupFigures | None:
    own = values.pop(CMML_NAME)
    num_tasks = int((~np.isnan(own)).sum())
    if num_tasks < MIN_TASKS:
        return None
    figures = GroupFigures(kind, label, num_tasks, num_pairs, run.interval(own))
    tasks = ~np.isnan(own)
    known = {name: v for name, v in values.items() if not np.isnan(v[tasks]).any()}
    if run.strongest not in known:
        return figures
    strongest = known[run.strongest]
    best = max(known, key=lambda m: run.metric.direction * float(np.nanmean(known[m])))
    return dataclasses.replace(
        figures,
        strongest=run.interval(strongest),
        gap=run.difference(own, strongest),
        best=best,
        less_best=run.difference(own, known[best]),
    )
