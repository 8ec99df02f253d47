"""Means as points with a bar for the interval of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from models.evaluation.intervals import Interval


def draw_intervals(
    axes: Axes, x: ArrayLike, intervals: Sequence[Interval], **look: Any
) -> None:
    """Draws a point and a bar for each interval.

    Args:
        axes: Where to.
        x: A place for each.
        intervals: The means and their ends.
        **look: As `Axes.errorbar` takes it.
    """
    reach = [
        [one.mean - one.low for one in intervals],
        [one.high - one.mean for one in intervals],
    ]
    means = [one.mean for one in intervals]
    axes.errorbar(x, means, yerr=np.clip(reach, 0.0, None), **look)
