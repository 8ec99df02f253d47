"""A method judged: it scores pairs, and its scores become metrics of tasks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.evaluation.intervals import Floats
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from models.recommender import Recommender
from pipeline.judging.task_metrics_file import TaskMetrics
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from transforms import schema

CONSTANT = "constant"
CONSTANT_WITHIN_TASKS = "constant within tasks"
PERFECT = "perfect"

_TOLERANCE = 1e-6  # Of the range of the labels, or of the largest score.


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
    scored |= setting.parts.further_groups(config, data, scored)
    metrics = {group: setting.by_task(pairs) for group, pairs in scored.items()}
    return metrics, flags


def score_flags(pairs: ScoredPairs) -> tuple[str, ...]:
    """Says what is suspicious about the scores of all tasks.

    A constant score ignores its input; perfect scores are a sign of labels that leak.

    Args:
        pairs: What a method answered.

    Returns:
        "constant" if all scores are equal, otherwise, of rated pairs, "constant within
        tasks" if those of each task are; "perfect" if every score is its label, or
        every task with different labels, or every user of it, is ranked without a
        fault. Empty without query pairs.
    """
    if not pairs.task.size:
        return ()
    if pairs.label is None:
        return _click_flags(pairs)
    (labels, scores), mask = pairs.padded("label", "score")
    true, predicted = labels.astype(np.float64), scores.astype(np.float64)
    tasks = [
        (true[t, mask[t]], predicted[t, mask[t]])
        for t in np.flatnonzero(mask.any(axis=1))
    ]
    tolerance = _TOLERANCE * (np.ptp(true[mask]) or 1.0)
    constant = _constant([own for _, own in tasks], tolerance)
    return (*constant, *((PERFECT,) if _is_perfect(tasks, tolerance) else ()))


def _click_flags(pairs: ScoredPairs) -> tuple[str, ...]:
    flags = []
    low, high = float(pairs.score.min()), float(pairs.score.max())
    if high - low <= _TOLERANCE * max(1.0, abs(high)):
        flags.append(CONSTANT)
    assert pairs.rank is not None  # Pairs without labels have ranks.
    keys = np.stack([pairs.task, pairs.user])
    _, user, num_clicks = np.unique(
        keys, axis=1, return_inverse=True, return_counts=True
    )
    assert pairs.num_tied is not None
    if (pairs.rank + pairs.num_tied - 1 <= num_clicks[user.reshape(-1)]).all():
        flags.append(PERFECT)
    return tuple(flags)


def _constant(scores: Sequence[Floats], tolerance: float) -> tuple[str, ...]:
    if np.ptp(np.concatenate(scores)) <= tolerance:
        return (CONSTANT,)
    several = [own for own in scores if own.size > 1]
    if several and max(np.ptp(own) for own in several) <= tolerance:
        return (CONSTANT_WITHIN_TASKS,)
    return ()


def _is_perfect(tasks: Sequence[tuple[Floats, Floats]], tolerance: float) -> bool:
    if all(np.abs(own - label).max() <= tolerance for label, own in tasks):
        return True
    ranked = [(label, own) for label, own in tasks if np.ptp(label) > 0.0]
    return bool(ranked) and all(_is_in_order(label, own) for label, own in ranked)


def _is_in_order(labels: Floats, scores: Floats) -> bool:
    """Says whether every score is above all those of lower labels."""
    _, level = np.unique(labels, return_inverse=True)
    lowest, highest = (np.full(level.max() + 1, x) for x in (np.inf, -np.inf))
    np.minimum.at(lowest, level, scores)
    np.maximum.at(highest, level, scores)
    return bool((lowest[1:] > highest[:-1]).all())
