"""What `evaluate` comes to: intervals by group, and differences between methods."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from models.evaluation.intervals import Interval, metric_intervals
from models.evaluation.metric import Metric
from models.evaluation.shown import Shown, few_shot
from pipeline.judging.differences import Contrast, take_differences
from pipeline.judging.task_metrics_file import TaskMetrics

CMML = "cmml"
CLOSED_FORM = "closed_form"  # The prior of CMML alone, a row beside it.
OWN = (CMML, CLOSED_FORM)

# Intervals by method, group and metric, as `metrics.json` has them.
Summary = Mapping[str, Mapping[str, Mapping[str, Interval]]]

# Method, group, reference and its group: a contrast but for the metric.
_Pairing: TypeAlias = tuple[str, str, str, str]


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
        notes: What else is to be known of the metrics, in sentences.
    """

    metrics: Sequence[Metric]
    groups: Sequence[Shown]
    reference: str
    by_task: Mapping[str, TaskMetrics]
    seed: int
    num_resamples: int
    notes: Sequence[str] = ()

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
        return few_shot_groups(self.groups)

    def exchanged(self) -> list[tuple[str, str]]:
        """Returns each group with support sets of others, and that with the own."""
        return exchanged_groups(self.groups)

    def intervals(self) -> dict[str, dict[str, dict[str, Interval]]]:
        """Returns means over tasks with intervals, by method, group and metric."""
        return {
            method: {
                group: metric_intervals(metrics, self.seed, self.num_resamples)
                for group, metrics in groups.items()
            }
            for method, groups in self.by_task.items()
        }

    def differences(self) -> dict[Contrast, Interval]:
        """Returns every difference that is reported.

        By the metric that decides: each method less the reference in every group of its
        own; CMML less each other method in the main group, at each support size, and
        without a pool; and CMML with all support pairs less CMML with fewer, and with
        those of another task, a pool being given or not.
        By each other metric of the tables: CMML less each other method in the main
        group, and without a pool.
        """
        first = self.metric.name
        by_first = [*self._to_reference(), *self._to_others(), *self._by_support()]
        contrasts = [Contrast(first, *one) for one in by_first]
        contrasts += [
            Contrast(metric.name, CMML, group, method, group)
            for metric in compared_metrics(self.metrics)
            for group in (self.main, *open_groups(self.groups))
            for method in self.by_task
            if method != CMML and group in self.by_task[method]
        ]
        return take_differences(contrasts, self.by_task, self.seed, self.num_resamples)

    def _to_reference(self) -> list[_Pairing]:
        known = self.by_task.get(self.reference, {})
        return [
            (method, group, self.reference, group)
            for method in self.by_task
            if method != self.reference
            for group in self.by_task[method]
            if group in known
        ]

    def _to_others(self) -> list[_Pairing]:
        return [
            (CMML, group, method, group)
            for group in dict.fromkeys(
                [self.main, *self.few_shot().values(), *open_groups(self.groups)]
            )
            for method in self.by_task
            if method != CMML and group in self.by_task[method]
        ]

    def _by_support(self) -> list[_Pairing]:
        sizes = self.few_shot()
        pairs = [(sizes[max(sizes)], group) for group in sizes.values()][:-1]
        pairs += [(own, other) for other, own in self.exchanged()]
        return [(CMML, own, CMML, group) for own, group in pairs]


def few_shot_groups(groups: Sequence[Shown]) -> dict[int, str]:
    """Returns the groups that differ in support pairs alone, by size, rising."""
    return {one.size: one.group for one in few_shot(groups)}


def exchanged_groups(groups: Sequence[Shown]) -> list[tuple[str, str]]:
    """Returns each group with support sets of others, and that with the own."""
    return [
        (one.group, dataclasses.replace(one, support="own").group)
        for one in groups
        if one.support == "other"
    ]


def open_groups(groups: Sequence[Shown]) -> list[str]:
    """Returns the groups of tasks that no pool is given of."""
    return [one.group for one in groups if one.is_open and one.support == "own"]


def compared_metrics(metrics: Sequence[Metric]) -> list[Metric]:
    """Returns the metrics of the tables by which a method can be better than another.

    Args:
        metrics: All metrics, the one that decides first.
    """
    return [one for one in metrics if one.in_tables and one.direction]
