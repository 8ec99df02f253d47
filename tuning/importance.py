"""How much each key of a search matters, computed from the trials that were completed.

Two figures answer different questions, and neither is made up where it cannot be known:

- The *main effect* is the share of the variance of the objective that goes along with a
  key, all else being equal (eta squared). It compares trials that differ in this key
  alone, so it asks for a grid, and it is blind to what a key does only together with
  others. In a complete grid the shares of all keys add up to 1, less luck and what keys
  do together.
- The *permutation importance* is the share that a key takes part in, alone or with
  others. It takes any search, but many trials, and is there only if a random forest can
  predict trials that it has not seen in the first place.

A conditional key is judged by the trials in which it is active. Trials that are far
worse than most count as bad as `worst_counted` says, since one training that diverges
would else be all the variance there is.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from tuning.forest import Forest, forest
from tuning.main_effect import MainEffect, main_effect
from tuning.trial_result import TrialResult

_NONE = "no trial was completed"

_REACH = 1.0


@dataclasses.dataclass(frozen=True)
class Importance:
    """How much each key matters, or why that cannot be known.

    Attributes:
        main: By key, its main effect, or why there is none to tell.
        forest: The forest, or why there is none to tell.
    """

    main: Mapping[str, MainEffect | str]
    forest: Forest | str


def importance(
    trials: Sequence[TrialResult], keys: Sequence[str], *, minimise: bool
) -> Importance:
    """Tells how much each key matters.

    Args:
        trials: Trials; those that were not completed are left out.
        keys: Keys of the search.
        minimise: Whether less of the objective is better.

    Returns:
        The figures, each only where the trials suffice for it.
    """
    completed = [(t, t.objective) for t in trials if t.objective is not None]
    if not completed:
        return Importance(dict.fromkeys(keys, _NONE), _NONE)
    limit = worst_counted([worth for _, worth in completed], minimise=minimise)
    pick = min if minimise else max
    known = [
        dataclasses.replace(trial, objective=pick(worth, limit))
        for trial, worth in completed
    ]
    return Importance(
        {key: main_effect(known, key, keys) for key in keys}, forest(known, keys)
    )


def worst_counted(objectives: Sequence[float], *, minimise: bool) -> float:
    """Returns the objective beyond which trials count as if they were just so bad.

    A training that diverges can be worse than the best by a hundred times what others
    differ by. The limit is twice as far from the best as three quarters of the trials.

    Args:
        objectives: Of the completed trials, at least one.
        minimise: Whether less is better.

    Returns:
        The limit; the worst objective if none lies beyond, or if three quarters of the
        trials are equal.
    """
    sign = 1.0 if minimise else -1.0
    costs = sign * np.asarray(objectives, np.float64)
    best, most = float(costs.min()), float(np.quantile(costs, 0.75))
    worst = float(costs.max())
    return sign * (min(worst, most + _REACH * (most - best)) if most > best else worst)
