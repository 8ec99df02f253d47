"""Numbers of a feature that lie so far from all others that they are slips.

One price of 999999999 among thousands would make the mean and the deviation, after
which all other prices look alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

# Times the distance of the quartiles that a number may lie beyond them: wide enough for
# prices and counts, a few of which are a hundred times the others. One in three million
# log-normal numbers of shape 1 lies further.
_MAX_DISTANCES = 100.0


def without_far(counts: Mapping[float, int]) -> tuple[Counter[float], Counter[float]]:
    """Parts numbers from those that lie far beyond the quartiles.

    The quartiles are numbers that occur, and exact, however the counts were added up.
    Where the middle half of the numbers is one number, none is far.

    Args:
        counts: Occurrences by number, at least one.

    Returns:
        The counts of the numbers that are not far, and of those that are.
    """
    numbers = sorted(counts)
    ends = np.cumsum([counts[number] for number in numbers])
    places = np.searchsorted(ends, [0.25 * ends[-1], 0.75 * ends[-1]])
    lower, upper = (numbers[place] for place in places)
    reach = _MAX_DISTANCES * (upper - lower) or np.inf
    near, far = Counter[float](), Counter[float]()
    for number, count in counts.items():
        is_near = lower - reach <= number <= upper + reach
        (near if is_near else far)[number] = count
    return near, far


def farthest(far: Mapping[float, int], mean: float) -> float | None:
    """Returns the number that lies farthest from a mean, None if there is none."""
    return max(far, key=lambda number: (abs(number - mean), number), default=None)
