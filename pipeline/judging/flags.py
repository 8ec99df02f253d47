"""Finds scores that are too simple, or too good, to be taken at their word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from pipeline.judging.results import Floats

CONSTANT = "constant"
CONSTANT_WITHIN_TASKS = "constant within tasks"
PERFECT = "perfect"

_TOLERANCE = 1e-6  # In units of the range of the labels.


def score_flags(
    labels: ArrayLike, scores: ArrayLike, mask: ArrayLike
) -> tuple[str, ...]:
    """Says what is suspicious about the scores of all tasks.

    A constant score ignores its input, and how such ties are broken decides its
    ranking; perfect scores are a sign of labels that leak.

    Args:
        labels: float [T, Q].
        scores: float [T, Q], in the label's unit or only its order.
        mask: bool [T, Q], False for padding.

    Returns:
        "constant" if all scores are equal, otherwise "constant within tasks" if those
        of each task are; "perfect" if every score is its label, or every task with
        different labels is ranked without a fault. Empty without query pairs.

    Raises:
        ValueError: If the shapes differ.
    """
    given = [np.asarray(array) for array in (labels, scores, mask)]
    if len({array.shape for array in given}) > 1 or given[0].ndim != 2:
        raise ValueError(
            "labels, scores and mask must have one shape [T, Q], got "
            f"{[array.shape for array in given]}."
        )
    true, predicted = (array.astype(np.float64) for array in given[:2])
    present = given[2].astype(bool)
    if not present.any():
        return ()
    tasks = [
        (true[t, present[t]], predicted[t, present[t]])
        for t in np.flatnonzero(present.any(axis=1))
    ]
    tolerance = _TOLERANCE * (np.ptp(true[present]) or 1.0)
    constant = _constant([own for _, own in tasks], tolerance)
    return (*constant, *((PERFECT,) if _is_perfect(tasks, tolerance) else ()))


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
