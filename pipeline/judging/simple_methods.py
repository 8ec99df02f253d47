"""Simple methods fitted to a data set, hyperparameters chosen on meta-validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from models.recommender import Recommender
from pipeline.experiment.progress import say
from pipeline.judging.judge import validation_worth
from pipeline.settings.grid_search import choice_text, search_grid
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data


class FittedMethod(NamedTuple):
    """A simple method.

    Attributes:
        method: Fitted.
        hyperparameters: What was chosen from its grid.
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
        The candidate with the best mean on meta-validation, the first of equals.

    Raises:
        ValueError: If there is something to choose and no meta-validation task to
            choose by.
    """
    say(f"baselines: fitting {name}")
    methods = setting_of(config).methods()
    grid = methods.simple[name].GRID
    if all(len(values) == 1 for values in grid.values()):
        only = {axis: values[0] for axis, values in grid.items()}
        return FittedMethod(methods.fit(name, data, only), only)
    best, most = None, float("-inf")

    def judge(hyperparameters: Mapping[str, Any]) -> float:
        nonlocal best, most
        method = methods.fit(name, data, hyperparameters)
        worth = validation_worth(method, config, data)
        if worth > most:
            best, most = FittedMethod(method, dict(hyperparameters)), worth
        return worth

    search = search_grid(grid, judge)
    if best is None:
        raise ValueError(
            "some meta-validation task must have a query pair to choose "
            f"hyperparameters of {name!r} by, got none."
        )
    say(f"baselines: {name} with {choice_text(search)}")
    return best
