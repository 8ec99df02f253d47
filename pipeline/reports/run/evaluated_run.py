"""What `evaluate` left of a run, to be looked at from other sides."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

from models.evaluation.intervals import (
    Floats,
    Interval,
    bootstrap_mean,
    bootstrap_means,
    paired_difference,
)
from models.evaluation.metric import Metric
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown, few_shot
from models.whole_files import read_json
from pipeline.judging.beside_baselines import (
    BesideBaselines,
    beside_baselines,
    best_baseline,
)
from pipeline.judging.differences import Differences
from pipeline.judging.evaluation import CMML, Summary
from pipeline.judging.scores_file import Scores
from pipeline.settings.setting import Setting
from transforms import schema


@dataclasses.dataclass(frozen=True, eq=False)
class EvaluatedRun:
    """Every score behind every figure of a run.

    Attributes:
        setting: Turns scores into metrics.
        groups: The groups of tasks, the main one first.
        scores: What methods answered, by method and group, all with one list of tasks.
        summary: `metrics.json`, by method, group and metric.
        differences: `differences.json`.
        seed: Of the resampling.
        num_resamples: Of the tasks behind each interval.
    """

    setting: Setting
    groups: Sequence[Shown]
    scores: Scores
    summary: Summary
    differences: Differences
    seed: int
    num_resamples: int

    @property
    def metric(self) -> Metric:
        """What methods are judged by."""
        return self.setting.metrics[0]

    @property
    def main(self) -> str:
        """The group that methods are compared on."""
        return self.groups[0].group

    @functools.cached_property
    def own(self) -> Shown:
        """Tasks shown all of their own, with the users that few-shot groups have."""
        return [self.groups[0], *few_shot(self.groups)][-1]

    @property
    def active(self) -> str:
        """The group whose users differ the most in how much is known of them."""
        known = [one.group for one in self.groups if one.split == schema.META_TRAIN]
        return known[0] if known and known[0] in self.scores[CMML] else self.main

    @property
    def task_ids(self) -> Sequence[str]:
        """All tasks, as they came in."""
        return self.scores[CMML][self.main].task_ids

    @functools.cached_property
    def strongest(self) -> str | None:
        """The baseline with the best mean on the main group; None without baselines."""
        return best_baseline(self.summary, self.main, self.metric)

    @functools.cached_property
    def beside(self) -> BesideBaselines:
        """CMML beside the best baselines of each metric and support size."""
        return beside_baselines(
            self.setting.metrics, self.groups, self.summary, self.differences
        )

    @functools.cached_property
    def _by_task(self) -> dict[tuple[str, str], Floats]:
        return {}

    def by_task(self, method: str, group: str) -> Floats:
        """Returns the metric of each task, float64 [T], NaN if it is not in there."""
        key = method, group
        if key not in self._by_task:
            self._by_task[key] = self.values(self.scores[method][group])
        return self._by_task[key]

    def values(self, pairs: ScoredPairs) -> Floats:
        """Returns the metric of each task over some pairs, float64 [T]."""
        name = self.metric.name
        return self.setting.by_task(pairs, names=[name])[name]

    def interval(self, values: Floats) -> Interval:
        """Returns the mean over tasks and its interval, as `evaluate` takes it."""
        return bootstrap_mean(values, self.seed, self.num_resamples)

    def intervals(self, values: Sequence[Floats]) -> list[Interval]:
        """Returns `interval` of each of several vectors, in less time."""
        return bootstrap_means(values, self.seed, self.num_resamples)

    def difference(self, a: Floats, b: Floats) -> Interval:
        """Returns the mean of a - b over tasks and its interval, likewise."""
        return paired_difference(a, b, self.seed, self.num_resamples)

    @functools.cached_property
    def less_strongest(self) -> Interval | None:
        """CMML less the strongest baseline on the main group."""
        if self.strongest is None:
            return None
        return self.difference(
            self.by_task(CMML, self.main), self.by_task(self.strongest, self.main)
        )

    def support_sets(self) -> dict[str, Floats]:
        """Returns the metric of CMML by the support set that tasks are shown.

        Returns:
            By "own", "none" and "other", float64 [T] each, over the same tasks and
            users; a kind that was not scored is absent.
        """
        kinds = {
            "own": self.own.group,
            "none": self.own.few(0).group,
            "other": self.own.with_other_support().group,
        }
        return {
            kind: self.by_task(CMML, group)
            for kind, group in kinds.items()
            if group in self.scores[CMML]
        }

    def by_size(self, method: str) -> list[ScoredPairs]:
        """Returns what a method answered in the groups that differ in the pairs shown.

        Those with the own support sets, of all sizes, come last.
        """
        scores = self.scores[method]
        groups = [self.own.few(size).group for size in range(self.own.size)]
        return [scores[group] for group in [*groups, self.own.group] if group in scores]


def read_summary(path: pathlib.Path) -> Summary:
    """Reads `metrics.json`."""
    values = read_json(path)
    return {
        method: {
            group: {name: Interval(**value) for name, value in metrics.items()}
            for group, metrics in groups.items()
        }
        for method, groups in values.items()
    }
