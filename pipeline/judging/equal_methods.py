"""Methods that come to the same figures on every task."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.evaluation.intervals import Floats

_CLOSE = 1e-6  # Below what is printed.


def equal_methods(by_method: Mapping[str, Mapping[str, Floats]]) -> list[list[str]]:
    """Finds methods of which no figure of any task differs.

    Args:
        by_method: By name of the method and of the metric, float64 [T], a value of
            each task; NaN where it has none.

    Returns:
        The names of those that are alike, two or more together, in their order.
    """
    alike: list[list[str]] = []
    for name, metrics in by_method.items():
        for names in alike:
            if _are_equal(metrics, by_method[names[0]]):
                names.append(name)
                break
        else:
            alike.append([name])
    return [names for names in alike if len(names) > 1]


def _are_equal(one: Mapping[str, Floats], other: Mapping[str, Floats]) -> bool:
    return one.keys() == other.keys() and all(
        np.allclose(one[name], other[name], rtol=0.0, atol=_CLOSE, equal_nan=True)
        for name in one
    )
