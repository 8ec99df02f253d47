"""A method judged: it scores pairs, and its scores become metrics of tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from models.evaluation.shown import Shown
from models.recommender import Recommender
from pipeline.judging.flags import score_flags
from pipeline.judging.task_metrics_file import TaskMetrics
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from transforms import schema


def validation_worth(
    method: Recommender, config: Any, data: Data, shown: Shown | None = None
) -> float:
    """Returns what is chosen by: the first metric on meta-validation, higher better.

    Args:
        method: A fitted method.
        config: The experiment.
        data: The data set.
        shown: What of meta-validation is chosen by; the main group if None.

    Returns:
        The mean over tasks, its sign turned where less is better; NaN if no task has a
        value.
    """
    setting = setting_of(config)
    metric = setting.metrics[0]
    if shown is None:
        shown = setting.groups(config, data, schema.META_VALIDATION)[0]
    pairs = setting.scorer(method, config, data)(shown)
    by_task = setting.by_task(pairs, names=[metric.name])
    values = by_task[metric.name]
    if np.isnan(values).all():
        return float("nan")
    return metric.direction * float(np.nanmean(values))


def judge(
    method: Recommender, config: Any, data: Data, split: str
) -> tuple[TaskMetrics, tuple[str, ...]]:
    """Judges a method on every group of tasks.

    Args:
        method: A fitted method.
        config: The experiment.
        data: The data set.
        split: The split of the tasks that training has not seen.

    Returns:
        The metrics of every task by group, and what is suspicious about the scores.
    """
    setting = setting_of(config)
    method = setting.methods(config).completed(method, config, data)
    scorer = setting.scorer(method, config, data)
    groups = setting.groups(config, data, split)
    scored = scorer.score_groups(groups)
    flags = score_flags(scored[groups[0].group])
    scored |= setting.parts().further_groups(config, data, scored)
    metrics = {group: setting.by_task(pairs) for group, pairs in scored.items()}
    return metrics, flags
