"""Metrics of the rated pairs of each task.

NumPy only, so that anyone can recompute every figure from the stored scores.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.evaluation.intervals import Floats
from models.evaluation.metric import NotFiniteError

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
    """Returns the root of the mean squared error of each task; all else as of `mae`."""
    true, predicted, present = _checked(labels, scores, query_mask)
    return np.sqrt(mean_over_pairs((predicted - true) ** 2, present))


def ndcg(
    labels: ArrayLike,
    scores: ArrayLike,
    query_mask: ArrayLike,
    *,
    k: int,
    gain: Callable[[Floats], Floats],
) -> Floats:
    """Returns the normalised discounted cumulative gain of each task's first k pairs.

    The discount of a pair is 1 / log2(rank + 1), ranks counted from 1; the ideal order
    is that of the task's own query pairs. A task with fewer than k pairs uses those it
    has. Pairs with equal scores have the mean discount of the ranks that they share:
    the expectation over all their orders.

    Args:
        labels: float [T, Q].
        scores: float [T, Q].
        query_mask: bool [T, Q], False for padding.
        k: Number of pairs that count, from the top.
        gain: From labels to gains, which are at least 0.

    Returns:
        float64 [T] in [0, 1]; NaN for a task whose gains are all alike, or that has
        fewer than two pairs: every order of such a task is as good.

    Raises:
        ValueError: If the shapes differ, a real pair is not finite, a gain is below 0,
            or k is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}.")
    true, predicted, present = _checked(labels, scores, query_mask)
    gains = np.where(present, gain(true), 0.0)
    if (gains < 0.0).any():
        raise ValueError(f"gains must be at least 0 for ndcg, got {gains.min()}.")
    order = np.lexsort((-predicted, ~present), axis=-1)
    ranked = np.take_along_axis(gains, order, axis=1)
    tops = np.take_along_axis(predicted, order, axis=1)
    are_there = np.take_along_axis(present, order, axis=1)
    discounts = _shared_discounts(tops, are_there, k)
    best = -np.sort(-gains, axis=1)[:, :k]
    ideal = best @ (1.0 / np.log2(np.arange(best.shape[1]) + 2.0))
    lowest = np.where(present, gains, np.inf).min(axis=1, initial=np.inf)
    tells_apart = gains.max(axis=1, initial=0.0) > lowest
    return _divide((ranked * discounts).sum(axis=1), np.where(tells_apart, ideal, 0.0))


def _shared_discounts(scores: Floats, present: Bools, k: int) -> Floats:
    """Returns the mean discount of the ranks that equal scores share, [T, Q].

    Args:
        scores: float64 [T, Q], falling in each row; padding comes last.
        present: bool [T, Q].
        k: Ranks that count.
    """
    size = scores.shape[1]
    place = np.arange(size)
    of_rank = np.where(place < k, 1.0 / np.log2(place + 2.0), 0.0)
    reached = np.concatenate([[0.0], np.cumsum(of_rank)])
    differs = scores[:, 1:] != scores[:, :-1]
    differs |= present[:, 1:] != present[:, :-1]
    edge = np.ones([len(scores), 1], bool)
    is_first = np.concatenate([edge, differs], axis=1)[:, :size]
    is_last = np.concatenate([differs, edge], axis=1)[:, :size]
    first = np.maximum.accumulate(np.where(is_first, place, 0), axis=1)
    last = np.where(is_last, place, size)[:, ::-1]
    end = np.minimum.accumulate(last, axis=1)[:, ::-1] + 1
    shared: Floats = (reached[end] - reached[first]) / (end - first)
    return shared


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
