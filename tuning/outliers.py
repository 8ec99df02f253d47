"""Trials that are so bad that they would hide how the others differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_REACH = 1.0


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
