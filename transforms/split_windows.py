"""Which split a time belongs to, where splits begin at times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.integer[Any]]


def windows_of(times: _Floats, starts: Mapping[str, float]) -> _Ints:
    """Returns how many of the starts are not after each time.

    Args:
        times: Times.
        starts: As of `SplitSpec`.
    """
    return np.searchsorted(list(starts.values()), times, side="right")


def ends_of(windows: _Ints, starts: Mapping[str, float]) -> _Floats:
    """Returns the start of the split after that of each window; infinite of the last.

    Args:
        windows: As `windows_of` returns them.
        starts: As of `SplitSpec`.
    """
    return np.array([*starts.values(), np.inf])[windows]
