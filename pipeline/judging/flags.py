"""Finds scores that are too simple, or too good, to be taken at their word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.evaluation.intervals import Floats
from models.evaluation.scored_pairs import ScoredPairs

CONSTANT = "constant"
CONSTANT_WITHIN_TASKS = "constant within tasks"
PERFECT = "perfect"

_TOLERANCE = 1e-6  # Of the range of the labels, or of the largest score.


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
