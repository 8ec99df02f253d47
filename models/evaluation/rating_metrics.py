"""Metrics of the rated pairs of each task.

NumPy only, so that anyone can recompute every figure from the stored scores.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.evaluation.errors import NotFiniteError
from models.evaluation.intervals import Floats
from models.evaluation.ties import scramble

Bools = NDArray[np.bool_]

NDCG_CUTOFFS = (1, 3, 5)


def mae(labels: ArrayLike, scores: ArrayLike, query_mask: ArrayLike) -> Floats:
    """Returns the mean absolute error of each task, in the unit of the labels.

    Args:
        labels: float [T, Q].
        scores: float [T, Q].
        query_mask: bool [T, Q], False for padding.

    Returns:
        float64 [T]; NaN for a task without query pairs.

    Raises:
        ValueError: If the shapes differ, or a real pair is not finite.
    """
    true, predicted, present = _checked(labels, scores, query_mask)
    return mean_over_pairs(np.abs(predicted - true), present)


def rmse(labels: ArrayLike, scores: ArrayLike, query_mask: ArrayLike) -> Floats:
    """Returns the root of the mean squared error of each task.

    Args:
        labels: float [T, Q].
        scores: float [T, Q].
        query_mask: bool [T, Q], False for padding.

    Returns:
        float64 [T], in the unit of the labels; NaN for a task without query pairs.

    Raises:
        ValueError: If the shapes differ, or a real pair is not finite.
    """
    true, predicted, present = _checked(labels, scores, query_mask)
    return np.sqrt(mean_over_pairs((predicted - true) ** 2, present))


def ndcg(
    labels: ArrayLike,
    scores: ArrayLike,
    query_mask: ArrayLike,
    *,
    k: int,
    seed: int = 0,
    task_ids: ArrayLike | None = None,
) -> Floats:
    """Returns the normalised discounted cumulative gain of each task's first k pairs.

    The gain of a pair is 2 ** label - 1 and its discount 1 / log2(rank + 1), ranks
    counted from 1; the ideal order is that of the task's own query pairs. A task with
    fewer than k pairs uses those it has. Pairs with equal scores come in an order that
    depends on the seed, the task and the position of the pair alone: not on the label,
    the padding or, with `task_ids`, the batch the task is in.

    Args:
        labels: float [T, Q], at least 0.
        scores: float [T, Q].
        query_mask: bool [T, Q], False for padding.
        k: Number of pairs that count, from the top.
        seed: Seed of the order of pairs with equal scores.
        task_ids: int [T], a lasting number of each task; its place in the batch if
            not given.

    Returns:
        float64 [T] in [0, 1]; NaN where the ideal gain is 0 (no query pairs, or none
        with a label above 0), because every order of such a task is as good.

    Raises:
        ValueError: If the shapes differ, a real pair is not finite, a label is below
            0, or k is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    true, predicted, present = _checked(labels, scores, query_mask)
    if (true < 0.0).any():
        raise ValueError(f"labels must be at least 0 for ndcg, got {true.min()}.")
    tie_keys = _tie_keys(true.shape, seed, task_ids)
    order = np.lexsort((tie_keys, -predicted, ~present), axis=-1)
    gains = np.where(present, 2.0**true - 1.0, 0.0)
    top = np.take_along_axis(gains, order, axis=1)[:, :k]
    ideal = -np.sort(-gains, axis=1)[:, :k]
    discount = 1.0 / np.log2(np.arange(top.shape[1]) + 2.0)
    return _divide(top @ discount, ideal @ discount)


def _checked(
    labels: ArrayLike, scores: ArrayLike, query_mask: ArrayLike
) -> tuple[Floats, Floats, Bools]:
    """Returns the arrays with padding set to 0."""
    arrays: list[NDArray[Any]] = [np.asarray(x) for x in (labels, scores, query_mask)]
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) > 1 or len(shapes[0]) != 2:
        raise ValueError(
            f"labels, scores and query_mask must have one shape [T, Q], got {shapes}."
        )
    present = arrays[2].astype(bool)
    true, predicted = (
        np.where(present, array, 0.0).astype(np.float64) for array in arrays[:2]
    )
    for name, values in (("labels", true), ("scores", predicted)):
        if not np.isfinite(values).all():
            raise NotFiniteError(
                f"{name} of real pairs must be finite, "
                f"got {values[~np.isfinite(values)][0]}."
            )
    return true, predicted, present


def mean_over_pairs(values: Floats, present: Bools) -> Floats:
    """Returns the mean of values [T, Q] of each task, [T]; NaN for one without any."""
    return _divide(np.where(present, values, 0.0).sum(axis=1), present.sum(axis=1))


def _divide(numerator: Floats, denominator: NDArray[Any]) -> Floats:
    undefined = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0)


def _tie_keys(
    shape: tuple[int, ...], seed: int, task_ids: ArrayLike | None
) -> NDArray[np.uint64]:
    """Returns a pseudo-random number of each seed, task and position, [T, Q]."""
    num_tasks, num_positions = shape
    tasks = np.arange(num_tasks) if task_ids is None else np.asarray(task_ids)
    if tasks.shape != (num_tasks,):
        raise ValueError(
            f"task_ids must be one integer for each of the {num_tasks} tasks, "
            f"got shape {tasks.shape}."
        )
    seeded = scramble(np.asarray([seed]).astype(np.uint64))
    tasked = scramble(seeded ^ tasks.astype(np.uint64))[:, np.newaxis]  # [T, 1]
    return scramble(tasked ^ np.arange(num_positions, dtype=np.uint64))
