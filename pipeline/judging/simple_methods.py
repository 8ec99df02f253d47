"""Simple methods fitted to a data set, hyperparameters chosen on meta-validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from models.baselines.by_support_size import BySupportSize
from models.recommender import Recommender
from pipeline.experiment.progress import progress_bar, say
from pipeline.judging.judge import validation_worth
from pipeline.settings.grid_search import choice_text, search_grid, values_text
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data


class FittedMethod(NamedTuple):
    """A simple method.

    Attributes:
        method: Fitted; where hyperparameters are chosen by support size, all that were
            chosen in one.
        hyperparameters: What was chosen from its grid for all support pairs.
    """

    method: Recommender
    hyperparameters: dict[str, Any]


def fit_simple(name: str, config: Any, data: Data) -> FittedMethod:
    """Fits every candidate of the grid of a method, and more beyond a best at its edge.

    Args:
        name: The method.
        config: The experiment.
        data: The data set.

    Returns:
        The candidate with the best mean on meta-validation, the first of equals; for
        each smaller support size that the setting names, the one that is best there.

    Raises:
        ValueError: If there is something to choose and no meta-validation task to
            choose by.
    """
    say(f"baselines: fitting {name}")
    methods = setting_of(config).methods(config)
    grid = methods.simple[name].GRID
    sizes = methods.sizes(config)
    if all(len(values) == 1 for values in grid.values()):
        only = {axis: values[0] for axis, values in grid.items()}
        method = methods.fit(name, data, only)
        return FittedMethod(_by_size(dict.fromkeys(sizes, method), method), only)
    fitted: list[FittedMethod] = []
    worths: list[float] = []

    with progress_bar(f"baselines: {name}, candidate", None) as advance:

        def judge(hyperparameters: Mapping[str, Any]) -> float:
            method = methods.fit(name, data, hyperparameters)
            fitted.append(FittedMethod(method, dict(hyperparameters)))
            worths.append(validation_worth(method, config, data))
            advance(values_text(hyperparameters))
            return worths[-1]

        search = search_grid(grid, judge)
    if np.isnan(worths).all():
        raise ValueError(
            "some meta-validation task must have a query pair to choose "
            f"hyperparameters of {name!r} by, got none."
        )
    say(f"baselines: {name} with {choice_text(search)}")
    best = fitted[int(np.nanargmax(worths))]
    by_size = dict.fromkeys(sizes[-1:], best.method)
    for size in sizes[:-1]:
        at_size = [validation_worth(one.method, config, data, size) for one in fitted]
        by_size[size] = fitted[int(np.nanargmax(at_size))].method
    return FittedMethod(_by_size(by_size, best.method), best.hyperparameters)


def _by_size(by_size: Mapping[int, Recommender], full: Recommender) -> Recommender:
    return BySupportSize(by_size) if by_size else full
