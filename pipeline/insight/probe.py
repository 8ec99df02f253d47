"""What a training is looked at with, the same at every look."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from models.cmml import CMML
from models.evaluation.shown import Shown
from models.recommender import Episode
from pipeline.insight.modulation_values import Values
from pipeline.insight.task_modulations import task_modulations
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data, Scorer, TrainingPlan
from transforms import schema

_GAIN_TASKS, _GAIN_USERS = 128, 10
_SHOWN_TASKS = 2


class Probe:
    """Looks at a CMML by the first tasks of meta-validation.

    Args:
        config: The experiment.
        data: The data set.
        scorer: Asks the model that is looked at.
        plan: What the training goes through.

    Attributes:
        episode: A batch with the labels of the query, whose health is looked at.
    """

    def __init__(
        self, config: Any, data: Data, scorer: Scorer, plan: TrainingPlan
    ) -> None:
        self._setting = setting_of(config)
        self._config = config
        self._data = data
        self._scorer = scorer
        self._shown = dataclasses.replace(
            plan.validation, max_tasks=_GAIN_TASKS, max_users=_GAIN_USERS
        )
        self._has_others = data.info.num_tasks[schema.META_VALIDATION] > 1
        self.episode: Episode = plan.probe()

    def adaptation_gain(self) -> dict[str, float]:
        """Returns how much better a model is with the own support set than without.

        Returns:
            "over_empty", the first metric of the setting with the own support set,
            against that without any; "over_other", against that with the support set
            of another task, if there is one. Above 0 is better, in the unit of the
            metric.
        """
        own = self._mean(self._shown)
        gain = {"over_empty": own - self._mean(self._shown.few(0))}
        if self._has_others:
            gain["over_other"] = own - self._mean(self._shown.with_other_support())
        return gain

    def modulations(self, model: CMML) -> Mapping[str, Values]:
        """Returns what the contexts of two tasks change, by name of the task."""
        parts = self._setting.parts()
        if parts.episodes is None:
            return {}
        names = parts.task_names(self._data.directory)
        batches = parts.episodes(self._config, self._data, schema.META_VALIDATION)
        tasks = itertools.islice(task_modulations(model, batches), _SHOWN_TASKS)
        return {names.get(task_id, task_id): values for task_id, values in tasks}

    def _mean(self, shown: Shown) -> float:
        """Returns the mean of the metric over tasks, higher better."""
        metric = self._setting.metrics[0]
        pairs = self._scorer(shown)
        by_task = self._setting.by_task(pairs, names=[metric.name])
        return metric.direction * float(np.nanmean(by_task[metric.name]))
