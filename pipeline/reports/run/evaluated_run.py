"""What `evaluate` found of a run, to be looked at from other sides."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow.parquet as pq

from models.evaluation.intervals import (
    Floats,
    Interval,
    bootstrap_mean,
    paired_difference,
)
from pipeline.judging.evaluation import CMML
from pipeline.reports.run.scored_rows import ScoredRows, codes

Summary = Mapping[str, Mapping[str, Mapping[str, Interval]]]


@dataclasses.dataclass(frozen=True)
class Metric:
    """What methods are judged by.

    Attributes:
        name: As `metrics.json` has it.
        unit: What it is in, as it stands behind a number; "" for a share.
        direction: 1 if more is better, -1 if less is.
    """

    name: str
    unit: str
    direction: int

    def is_better(self, gap: Interval) -> bool | None:
        """Whether a difference is to the better; None if it may be chance."""
        if gap.low <= 0.0 <= gap.high:
            return None
        return gap.mean * self.direction > 0.0


@dataclasses.dataclass(frozen=True)
class GroupNames:
    """Groups of tasks that the report asks for by name.

    Attributes:
        main: What methods are compared on.
        own: Tasks shown their own support sets, of all sizes.
        none: The same tasks shown nothing.
        other: The same tasks shown the support set of another.
        few: Begins the names of the groups that are shown fewer pairs.
        active: The one whose users differ the most in how much is known of them.
    """

    main: str
    own: str
    none: str
    other: str
    few: str
    active: str


@dataclasses.dataclass(frozen=True, eq=False)
class EvaluatedRun:
    """Every score behind every figure of a run.

    Attributes:
        metric: What methods are judged by.
        names: Names of groups.
        task_ids: All tasks, as they came in.
        rows: By method and group.
        summary: `metrics.json`, by method, group and metric.
        seed: Of the resampling.
        num_resamples: Of the tasks behind each interval.
    """

    metric: Metric
    names: GroupNames
    task_ids: Sequence[str]
    rows: Mapping[str, Mapping[str, ScoredRows]]
    summary: Summary
    seed: int
    num_resamples: int

    @functools.cached_property
    def strongest(self) -> str | None:
        """The baseline with the best mean on the main group; None without baselines."""
        return strongest_baseline(self.summary, self.names.main, self.metric)

    def by_task(self, method: str, group: str) -> Floats:
        """Returns the metric of each task, float64 [T], NaN if it is not in there."""
        return self.rows[method][group].by_task(len(self.task_ids))

    def interval(self, values: Floats) -> Interval:
        """Returns the mean over tasks and its interval, as `evaluate` takes it."""
        return bootstrap_mean(values, self.seed, self.num_resamples)

    def difference(self, a: Floats, b: Floats) -> Interval:
        """Returns the mean of a - b over tasks and its interval, likewise."""
        return paired_difference(a, b, self.seed, self.num_resamples)

    @functools.cached_property
    def less_strongest(self) -> Interval | None:
        """CMML less the strongest baseline on the main group."""
        if self.strongest is None:
            return None
        main = self.names.main
        return self.difference(
            self.by_task(CMML, main), self.by_task(self.strongest, main)
        )

    def support_sets(self) -> dict[str, Floats]:
        """Returns the metric of CMML by the support set that tasks are shown.

        Returns:
            By "own", "none" and "other", float64 [T] each, over the same tasks and
            users; a kind that was not scored is absent.
        """
        groups = self.rows[CMML]
        return {
            kind: self.by_task(CMML, group)
            for kind, group in (
                ("own", self.names.own),
                ("none", self.names.none),
                ("other", self.names.other),
            )
            if group in groups
        }


def strongest_baseline(summary: Summary, group: str, metric: Metric) -> str | None:
    """Returns the baseline with the best mean on a group; None without baselines."""
    figures = {
        method: metric.direction * groups[group][metric.name].mean
        for method, groups in summary.items()
        if method != CMML
    }
    return max(figures, key=lambda method: figures[method]) if figures else None


def read_summary(path: pathlib.Path) -> Summary:
    """Reads `metrics.json`."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {
        method: {
            group: {name: Interval(**value) for name, value in metrics.items()}
            for group, metrics in groups.items()
        }
        for method, groups in found.items()
    }


def read_rows(
    paths: Sequence[pathlib.Path], to_rows: Callable[..., ScoredRows]
) -> tuple[list[str], dict[str, dict[str, ScoredRows]]]:
    """Reads files of scores.

    Args:
        paths: Parquet files with `method`, `group` and `task_id`; a group that stands
            in several is taken from the first.
        to_rows: From a table and the place of the task of each row to its rows.

    Returns:
        The ids of all tasks in their order, and the rows by method and group.
    """
    places: dict[str, int] = {}
    found: dict[str, dict[str, ScoredRows]] = {}
    for path in paths:
        table = pq.read_table(path)
        task, ids = codes(table["task_id"])
        task = np.array([places.setdefault(name, len(places)) for name in ids])[task]
        rows = to_rows(table, task)
        method, methods = codes(table["method"])
        group, groups = codes(table["group"])
        both = method * len(groups) + group
        for key in np.unique(both):
            of, within = methods[key // len(groups)], groups[key % len(groups)]
            kept = found.setdefault(of, {})
            if within not in kept:
                kept[within] = rows.select(both == key)
    return list(places), found
