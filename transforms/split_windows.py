"""Which split users or pairs belong to, where splits begin at times."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.integer[Any]]


class SplitWindows(NamedTuple):
    """The split of each owner of some rows, by the first of them.

    Attributes:
        first: float64 [N], time of the first row of each owner.
        windows: int [N], how many of the starts are not after it.
        is_early: bool [R], which rows are before the split after that of their owner.
    """

    first: _Floats
    windows: _Ints
    is_early: npt.NDArray[np.bool_]


def split_windows(
    owners: _Ints, times: _Floats, num_owners: int, starts: Mapping[str, float]
) -> SplitWindows:
    """Splits owners of rows by time.

    Args:
        owners: int [R], whose each row is: a user, or a pair of user and item.
        times: float64 [R], when it was.
        num_owners: N; each has a row.
        starts: As of `SplitSpec`; without any, all rows are early.
    """
    first = np.full(num_owners, np.inf)
    np.minimum.at(first, owners, times)
    windows = np.searchsorted(list(starts.values()), first, side="right")
    ends = np.array([*starts.values(), np.inf])[windows]
    return SplitWindows(first, windows, times < ends[owners])
