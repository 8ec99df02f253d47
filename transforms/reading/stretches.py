"""Stretches of a column: the rows of one group after those of another; their order."""

import numpy as np

from transforms.reading.coded_column import Ints


def places_of(starts: Ints, sizes: Ints) -> Ints:
    """Returns the places of all rows of stretches, stretch after stretch.

    Args:
        starts: Place of the first row of each.
        sizes: Rows of each.
    """
    ends = np.cumsum(sizes, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - sizes), sizes)


def starts_of(sizes: Ints) -> Ints:
    """Returns where each stretch starts, one after the other."""
    ends: Ints = np.cumsum(sizes, dtype=np.int64)
    return ends - sizes


def places_in(order: Ints) -> Ints:
    """Returns where each row comes in an order of all rows: its inverse permutation."""
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places
