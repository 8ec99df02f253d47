"""Simple methods fitted to a data set, hyperparameters chosen on meta-validation."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.baselines.chosen_fits import ByPool, BySupportSize
from models.evaluation.shown import Shown
from models.recommender import Recommender
from pipeline.experiment.progress import progress_bar, say
from pipeline.judging.judge import validation_worth
from pipeline.settings.grid_search import choice_text, search_grid, values_text
from pipeline.settings.registry import setting_of
from pipeline.settings.setting import Data
from transforms.schema import META_VALIDATION


class FittedMethod(NamedTuple):
    """A simple method.

    Attributes:
        method: Fitted; where hyperparameters are chosen by support size, or without a
            pool too, all that were chosen in one.
        hyperparameters: What was chosen from its grid for all support pairs.
        without_pool: What was chosen where no pool is given; None if nothing was, so
            that it is the same.
    """

    method: Recommender
    hyperparameters: dict[str, Any]
    without_pool: dict[str, Any] | None = None


def fit_simple(
    name: str, config: Any, data: Data, groups: Sequence[Shown]
) -> FittedMethod:
    """Fits every candidate of the grid of a method, and more beyond a best at its edge.

    Args:
        name: The method.
        config: The experiment.
        data: The data set.
        groups: What it is to be asked. If no pool is given in one of them, there is a
            second choice, for those: by meta-validation without a pool.

    Returns:
        The candidate with the best mean on meta-validation, the first of equals; for
        each smaller support size that the setting names, the one that is best there.

    Raises:
        ValueError: If there is something to choose and no meta-validation task to
            choose by.
    """
    say(f"baselines: fitting {name}")
    setting = setting_of(config)
    methods = setting.methods(config)
    grid, sizes = methods.simple[name].GRID, methods.sizes(config)
    if all(len(values) == 1 for values in grid.values()):
        only = {axis: values[0] for axis, values in grid.items()}
        method = methods.fit(name, data, only)
        return FittedMethod(_by_size(dict.fromkeys(sizes, method), method), only)
    main, *others = setting.groups(config, data, META_VALIDATION)
    fitted = _choose(name, config, data, main, sizes)
    if not any(one.is_open for one in groups):
        return fitted
    whole = next(one for one in others if one.is_open)
    other = _choose(name, config, data, whole)
    method = ByPool(fitted.method, other.method)
    return FittedMethod(method, fitted.hyperparameters, other.hyperparameters)


def _choose(
    name: str, config: Any, data: Data, shown: Shown, sizes: Sequence[int] = ()
) -> FittedMethod:
    """Searches the grid of a method, by a group of meta-validation.

    Of all candidates only those are kept that are the best at a support size.
    """
    methods = setting_of(config).methods(config)
    what = f"{name} without a pool" if shown.is_open else name
    best: dict[int, tuple[float, FittedMethod]] = {}

    with progress_bar(f"baselines: {what}, candidate", None) as advance:

        def judge(hyperparameters: Mapping[str, Any]) -> float:
            method = methods.fit(name, data, hyperparameters)
            fitted = FittedMethod(method, dict(hyperparameters))
            worths = {
                size: validation_worth(method, config, data, shown.few(size))
                for size in dict.fromkeys([*sizes, shown.size])
            }
            for size, worth in worths.items():
                if worth > best.get(size, (-math.inf,))[0]:
                    best[size] = worth, fitted
            advance(values_text(hyperparameters))
            return worths[shown.size]

        search = search_grid(methods.simple[name].GRID, judge)
    if shown.size not in best:
        raise ValueError(
            "some meta-validation task must have a query pair to choose "
            f"hyperparameters of {name!r} by, got none."
        )
    say(f"baselines: {what} with {choice_text(search)}")
    full = best[shown.size]
    by_size = {size: best.get(size, full)[1].method for size in sizes}
    return full[1]._replace(method=_by_size(by_size, full[1].method))


def _by_size(by_size: Mapping[int, Recommender], full: Recommender) -> Recommender:
    return BySupportSize(by_size) if by_size else full
