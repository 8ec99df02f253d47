"""What a comparison of methods is made of: its setup, its results, and its costs."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.evaluation.metric import Metric
from models.evaluation.shown import few_shot
from pipeline.judging.cost import Cost
from pipeline.settings.more_metrics import table_metrics
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data

Floats = NDArray[np.float64]
Values = Mapping[str, Mapping[str, Floats]]

# Hyperparameters that differ from the defaults of a method.
Changes: TypeAlias = Mapping[str, Any]

KINDS = ("simple", "learned", "cmml")
CMML = "cmml"
PLAIN = "cmml_plain"  # What collaborative filtering knows left out.


@dataclasses.dataclass(frozen=True, eq=False)
class MethodResult:
    """A method after tuning, with all its seeds.

    Attributes:
        name: Its name.
        kind: "simple" if fitted in one call, "learned" if trained by episodes, "cmml".
        hyperparameters: What was chosen, all of it.
        values: By group and metric, float64 [num_seeds, T], one row for a method
            without seed; NaN where a task has no value. Empty after a failure.
        changes: The candidate that was chosen.
        trials: Candidates and their worth on meta-validation, higher is better; None
            for one that failed.
        num_parameters: Weights that were trained; 0 for a simple method.
        train_s: Seconds of training, the median over seeds; NaN if unknown.
        adapt_ms: Milliseconds per task to adapt and score; NaN if unknown.
        peak_mb: Most memory of training, or else of adaptation, in MB beyond the
            process before it; NaN if unknown.
        flags: What is suspicious about its scores.
        failure: Why there are no values; "" if there are.
    """

    name: str
    kind: str
    hyperparameters: Changes
    values: Values
    changes: Changes = dataclasses.field(default_factory=dict)
    trials: Sequence[tuple[Changes, float | None]] = ()
    num_parameters: int = 0
    train_s: float = float("nan")
    adapt_ms: float = float("nan")
    peak_mb: float = float("nan")
    flags: tuple[str, ...] = ()
    failure: str = ""

    @property
    def worth(self) -> float:
        """The best worth on meta-validation."""
        worths = [worth for _, worth in self.trials if worth is not None]
        return max(worths, default=float("-inf"))

    def by_task(self, group: str, metric: str) -> Floats | None:
        """Returns the mean over seeds of each task, float64 [T]; None if not known."""
        values = self.values.get(group, {}).get(metric)
        return None if values is None else np.mean(values, axis=0)


@dataclasses.dataclass(frozen=True)
class Setup:
    """How the methods were compared.

    Attributes:
        name: Name of the experiment.
        setting: "user" or "scenario".
        split: The split of tasks that was scored.
        metrics: Those of the main table; methods are ranked by the first.
        groups: What each group of tasks is, in a few words; the first is the main one.
        seeds: Seeds of a method, at most.
        num_tasks: Tasks of the main group.
        num_trials: Candidates of hyperparameters tried for each method, at most.
        commands: What to type to get the same.
        few_shot: By support size, the group that shows no more, sizes rising. To end
            with the whole support set, name the group of the same query pairs last.
        controls: Groups in which a better figure is no merit, such as that with the
            support sets of others: the best is not marked there.
        num_resamples: Bootstrap resamples behind each interval.
        seed: Seed of the resampling.
        notes: What else is to be known of the metrics, in sentences.
    """

    name: str
    setting: str
    split: str
    metrics: Sequence[Metric]
    groups: Mapping[str, str]
    seeds: Sequence[int]
    num_tasks: int
    num_trials: int = 1
    commands: Sequence[str] = ()
    few_shot: Mapping[int, str] = dataclasses.field(default_factory=dict)
    controls: Sequence[str] = ()
    num_resamples: int = 1000
    seed: int = 0
    notes: Sequence[str] = ()

    @property
    def metric(self) -> Metric:
        """The metric that decides."""
        return self.metrics[0]

    @property
    def primary(self) -> str:
        """Its name."""
        return self.metric.name

    @property
    def main_group(self) -> str:
        """The group that decides."""
        return next(iter(self.groups))

    @property
    def all_groups(self) -> list[str]:
        """The groups, and those that show less of the support set."""
        return list(dict.fromkeys([*self.groups, *self.few_shot.values()]))


def setup_of(
    config: Any, data: Data, split: str, num_seeds: int, command: str
) -> Setup:
    """Says how methods are compared.

    Args:
        config: The experiment.
        data: The data set.
        split: The split of the tasks that training has not seen.
        num_seeds: Seeds of each method, at most.
        command: What was typed.
    """
    setting, options = setting_of(config), config.evaluation
    groups = setting.groups(config, data, split)
    words = setting.parts.group_words(data)
    sizes = few_shot(groups) or groups[:1]
    return Setup(
        name=config.name,
        setting=config.setting,
        split=split,
        metrics=table_metrics(setting.metrics, config.evaluation.more_metrics),
        notes=setting.parts.metric_notes(data),
        groups={groups[0].group: words[groups[0].group], **words},
        few_shot={one.size: one.group for one in sizes},
        seeds=tuple(range(num_seeds)),
        num_tasks=data.info.num_tasks[split],
        num_trials=config.comparison.num_trials,
        controls=tuple(one.group for one in groups if one.support == "other"),
        commands=(command,),
        num_resamples=config.comparison.num_resamples,
        seed=options.seed,
    )


@dataclasses.dataclass(frozen=True)
class CostCurve:
    """What a method costs by the number of its inner steps.

    Attributes:
        method: Its name.
        steps: Inner steps, rising; none for a method that adapts in a forward pass.
        costs: One for each number of steps, or the one of a forward pass.
    """

    method: str
    steps: Sequence[int]
    costs: Sequence[Cost]
