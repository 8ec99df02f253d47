"""How CMML stands beside the best baseline of each metric and support size."""

import dataclasses
import itertools
from collections.abc import Hashable, Sequence
from typing import Literal, TypeAlias

from models.evaluation.intervals import Interval
from models.evaluation.metric import Metric
from models.evaluation.shown import Shown
from pipeline.judging.differences import Contrast, Differences
from pipeline.judging.evaluation import (
    CMML,
    OWN,
    Summary,
    compared_metrics,
    few_shot_groups,
    open_groups,
)
from pipeline.judging.statistics import LEVEL, holm, p_of_interval

Standing: TypeAlias = Literal["better", "worse", "level"]
Overall: TypeAlias = Literal["better", "worse", "level", "mixed"]

_STANDINGS: dict[bool | None, Standing] = {
    True: "better",
    False: "worse",
    None: "level",
}


@dataclasses.dataclass(frozen=True)
class BesideBest:
    """CMML beside the baseline that is best by one metric in one group of tasks.

    Attributes:
        metric: The metric.
        group: The group.
        size: Support pairs shown of each task, at most; None where all are.
        baseline: The baseline with the best mean by this metric in this group.
        difference: CMML less the baseline, of the tasks that both have a value of.
        holm_p: Two-sided p-value of the difference, corrected for the number of
            comparisons.
    """

    metric: Metric
    group: str
    size: int | None
    baseline: str
    difference: Interval
    holm_p: float = 1.0

    @property
    def standing(self) -> Standing:
        """How CMML stands; "level" unless a difference is beyond chance among all."""
        if self.holm_p > LEVEL:
            return "level"
        return _STANDINGS[self.metric.is_better(self.difference)]

    @property
    def figures(self) -> tuple[Hashable, ...]:
        """What it comes to: rows of which all of this is the same are one comparison.

        Some of the tasks, or of their users, may be all that there are.
        """
        return self.metric, self.size, self.baseline, self.difference


@dataclasses.dataclass(frozen=True)
class BesideBaselines:
    """CMML beside the best baselines.

    Attributes:
        by_metric: By each metric of the tables in the main group, the one that decides
            first.
        by_size: By the metric that decides at each support size, rising; empty where no
            task was shown fewer pairs.
        without_pool: By the metric that decides where no pool is given; empty where
            tasks have none to give.
        further: By the other metrics where no pool is given. They count in nothing that
            all comparisons come to, and are corrected for the number of them alone.
    """

    by_metric: Sequence[BesideBest]
    by_size: Sequence[BesideBest]
    without_pool: Sequence[BesideBest] = ()
    further: Sequence[BesideBest] = ()

    @property
    def all(self) -> list[BesideBest]:
        """Every comparison that counts, once.

        With all support pairs, that by metric and that by size may be the same.
        """
        known = {one.figures for one in self.by_metric}
        further = [one for one in self.by_size if one.figures not in known]
        return [*self.by_metric, *further, *self.without_pool]

    def those(self, standing: Standing) -> list[BesideBest]:
        """Returns the comparisons that came out so."""
        return [one for one in self.all if one.standing == standing]

    @property
    def overall(self) -> Overall | None:
        """What all comparisons come to; None without any.

        "better" only if CMML is better by the metric that decides and worse in none
        beyond chance; "worse" only if it is worse by that metric and better in none.
        "mixed" if it is worse in any otherwise.
        """
        if not self.by_metric:
            return None
        first = self.by_metric[0].standing
        if not self.those("worse"):
            return first
        return "worse" if first == "worse" and not self.those("better") else "mixed"


def beside_baselines(
    metrics: Sequence[Metric],
    groups: Sequence[Shown],
    summary: Summary,
    differences: Differences,
) -> BesideBaselines:
    """Holds CMML against the best baseline of each metric, support size and task.

    One of twenty comparisons would be beyond chance by chance: p-values are corrected
    for the number of them, by Holm's method.

    Args:
        metrics: All metrics, the one that decides first.
        groups: The groups of tasks, the main one first.
        summary: Means by method, group and metric.
        differences: CMML less each baseline, by each metric of the tables in the main
            group and without a pool, and by the first at each support size. What is
            missing there, because no task has a value of both, is left out.
    """

    def beside(metric: Metric, group: str, size: int | None) -> list[BesideBest]:
        best = best_baseline(summary, group, metric)
        if best is None:
            return []
        found = differences.get(Contrast(metric.name, CMML, group, best, group))
        if found is None:
            return []
        return [BesideBest(metric, group, size, best, found)]

    main, sizes = groups[0].group, few_shot_groups(groups)
    by_metric = [beside(one, main, None) for one in compared_metrics(metrics)]
    by_size = [
        beside(metrics[0], group, None if size == max(sizes) else size)
        for size, group in sizes.items()
    ]
    without_pool, further = (
        [beside(one, group, None) for group in open_groups(groups) for one in some]
        for some in (metrics[:1], compared_metrics(metrics)[1:])
    )
    chain = itertools.chain.from_iterable
    return _corrected(
        BesideBaselines(
            *([*chain(rows)] for rows in (by_metric, by_size, without_pool, further))
        )
    )


def _corrected(beside: BesideBaselines) -> BesideBaselines:
    """Gives each comparison its p-value, corrected for the number of all."""

    def with_p(
        rows: Sequence[BesideBest], among: Sequence[BesideBest]
    ) -> list[BesideBest]:
        p_values = holm([p_of_interval(one.difference) for one in among])
        by_figures = {one.figures: p for one, p in zip(among, p_values, strict=True)}
        return [
            dataclasses.replace(one, holm_p=by_figures[one.figures]) for one in rows
        ]

    return BesideBaselines(
        with_p(beside.by_metric, beside.all),
        with_p(beside.by_size, beside.all),
        with_p(beside.without_pool, beside.all),
        with_p(beside.further, beside.further),
    )


def best_baseline(summary: Summary, group: str, metric: Metric) -> str | None:
    """Names the baseline with the best mean in a group; None without any there.

    What CMML has without its networks is no baseline.

    Args:
        summary: Means by method, group and metric.
        group: The group.
        metric: The metric.
    """
    return metric.best(
        {
            method: of_group[metric.name].mean
            for method, groups in summary.items()
            if method not in OWN and metric.name in (of_group := groups.get(group, {}))
        }
    )
