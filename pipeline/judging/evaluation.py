"""What `evaluate` comes to: intervals by group, and differences between methods."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.evaluation.intervals import (
    Floats,
    Interval,
    bootstrap_mean,
    paired_difference,
)
from models.evaluation.metric import Metric
from models.evaluation.shown import Shown
from pipeline.judging.task_metrics_file import TaskMetrics

FORMAT_VERSION = 1

CMML = "cmml"
CLOSED_FORM = "closed_form"  # The prior of CMML alone, a row beside it.
OWN = (CMML, CLOSED_FORM)

# Intervals by method, group and metric, as `metrics.json` has them.
Summary = Mapping[str, Mapping[str, Mapping[str, Interval]]]


@dataclasses.dataclass(frozen=True)
class Difference:
    """A method in one group less a reference, paired by task.

    Attributes:
        method: The method.
        group: Its group.
        reference: What it is held against.
        reference_group: The group of that, of the same tasks.
        interval: Mean over tasks of method less reference, in the unit of the metric.
    """

    method: str
    group: str
    reference: str
    reference_group: str
    interval: Interval


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """Methods judged on the same groups of tasks.

    Attributes:
        metrics: What they are judged by; the first decides.
        groups: The groups, the main one first.
        reference: The simple method that differences are taken to.
        by_task: Values of each task, by method, group and metric.
        seed: Seed of the resampling.
        num_resamples: Of the tasks behind each interval.
    """

    metrics: Sequence[Metric]
    groups: Sequence[Shown]
    reference: str
    by_task: Mapping[str, TaskMetrics]
    seed: int
    num_resamples: int

    @property
    def metric(self) -> Metric:
        """The metric that decides."""
        return self.metrics[0]

    @property
    def main(self) -> str:
        """The group that decides."""
        return self.groups[0].group

    def few_shot(self) -> dict[int, str]:
        """Returns the groups that differ in support pairs alone, by size, rising."""
        few = [one for one in self.groups if one.is_few_shot and one.support == "own"]
        if not few:
            return {}
        full = few[0].few(few[0].full_size)
        return {one.size: one.group for one in sorted([*few, full], key=_size)}

    def other_support(self) -> tuple[str, str] | None:
        """Returns the group with the support sets of others, and that with the own."""
        for one in self.groups:
            if one.support == "other":
                return one.group, dataclasses.replace(one, support="own").group
        return None

    def intervals(self) -> dict[str, dict[str, dict[str, Interval]]]:
        """Returns means over tasks with intervals, by method, group and metric."""
        return {
            method: {
                group: {
                    name: bootstrap_mean(values, self.seed, self.num_resamples)
                    for name, values in metrics.items()
                }
                for group, metrics in groups.items()
            }
            for method, groups in self.by_task.items()
        }

    def difference(
        self, method: str, group: str, reference: str, reference_group: str
    ) -> Difference:
        """Returns one difference in the metric that decides."""
        values, others = (
            self._values(name, within)
            for name, within in ((method, group), (reference, reference_group))
        )
        interval = paired_difference(values, others, self.seed, self.num_resamples)
        return Difference(method, group, reference, reference_group, interval)

    def differences(self) -> list[Difference]:
        """Returns every difference that is reported.

        Each method less the reference in every group of its own, CMML less each other
        method in the main group, and CMML with all support pairs less CMML with fewer
        and with those of another task.
        """
        to_reference = [
            self.difference(method, group, self.reference, group)
            for method in self.by_task
            if method != self.reference and self.reference in self.by_task
            for group in self.by_task[method]
            if group in self.by_task[self.reference]
        ]
        reported = {(one.method, one.group, one.reference) for one in to_reference}
        to_others = [
            self.difference(CMML, self.main, method, self.main)
            for method in self.by_task
            if method != CMML and (CMML, self.main, method) not in reported
        ]
        return [*to_reference, *to_others, *self._by_support()]

    def best_baseline(self) -> str | None:
        """Names the method beside CMML with the best mean; None without any."""
        means = {
            method: float(np.nanmean(self._values(method, self.main)))
            for method in self.by_task
            if method not in OWN
        }
        return self.metric.best(means)

    def _by_support(self) -> list[Difference]:
        sizes = self.few_shot()
        pairs = [(sizes[max(sizes)], group) for group in sizes.values()][:-1]
        if (exchanged := self.other_support()) is not None:
            other, own = exchanged
            pairs.append((own, other))
        return [self.difference(CMML, own, CMML, group) for own, group in pairs]

    def _values(self, method: str, group: str) -> Floats:
        values: Floats = self.by_task[method][group][self.metric.name]
        return values


def differences_json(
    metric: Metric, differences: Sequence[Difference]
) -> dict[str, Any]:
    """Returns what `differences.json` holds; every one is method less reference."""
    return {
        "format_version": FORMAT_VERSION,
        "metric": metric.name,
        "higher_is_better": metric.higher_is_better,
        "differences": [
            {
                **{k: v for k, v in vars(one).items() if k != "interval"},
                **dataclasses.asdict(one.interval),
            }
            for one in differences
        ],
    }


def _size(shown: Shown) -> int:
    return shown.size
