"""Choice of a baseline's hyperparameters on meta-validation."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np

from models.baselines.ratings.baseline import Baseline
from models.evaluation.rating_metrics import mae
from models.factors.labelled_pairs import LabelledPairs
from models.recommender import Episode, Recommender, split_episode

_LOGGER = logging.getLogger(__name__)

BaselineT = TypeVar("BaselineT", bound=Baseline)


def select(
    method_class: type[BaselineT],
    pairs: LabelledPairs,
    validation_batches: Iterable[Episode],
) -> BaselineT:
    """Fits every candidate of the grid and returns the best one.

    Args:
        method_class: The method.
        pairs: The meta-train pairs.
        validation_batches: The meta-validation episodes, labels included.

    Returns:
        The candidate with the lowest mean over tasks of MAE, the first of equals, as
        fitted to `pairs`; its `hyperparameters` say what was chosen.

    Raises:
        ValueError: If no meta-validation task has a query pair.
    """
    batches = list(validation_batches)
    best, best_error = None, np.inf
    for values in itertools.product(*method_class.GRID.values()):
        candidate = method_class(**dict(zip(method_class.GRID, values, strict=True)))
        candidate.fit(pairs)
        error = mean_task_mae(candidate, batches)
        _LOGGER.info(
            "%s %s: meta-validation mae %.4f",
            method_class.__name__,
            candidate.hyperparameters,
            error,
        )
        if best is None or error < best_error:
            best, best_error = candidate, error
    if best is None:
        raise ValueError(
            f"GRID of {method_class.__name__} must hold a candidate, "
            f"got {method_class.GRID}."
        )
    return best


def mean_task_mae(method: Recommender, batches: Sequence[Episode]) -> float:
    """Returns the mean over tasks of the MAE of a method.

    Args:
        method: A fitted method.
        batches: Episodes, labels included.

    Returns:
        The mean, in the unit of the labels; tasks without query pairs are left out.

    Raises:
        ValueError: If no task has a query pair.
    """
    errors = [np.empty(0)]
    for episode in batches:
        support, query = split_episode(episode)
        scores = method.score(method.adapt(support), query)
        errors.append(mae(episode["query_label"], scores, episode["query_mask"]))
    by_task = np.concatenate(errors)
    if np.isnan(by_task).all():
        raise ValueError(
            "some meta-validation task must have a query pair, "
            f"got {by_task.size} tasks without any."
        )
    return float(np.nanmean(by_task))
