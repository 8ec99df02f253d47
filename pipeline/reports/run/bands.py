"""Ranges of counts that figures are given by."""

import dataclasses
import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.settings.data_facts import PairGroup

_NUM_EVEN = 5


@dataclasses.dataclass(frozen=True)
class Bands:
    """Ranges of whole numbers, each from a start to just below the next.

    Attributes:
        starts: The lowest number of each, ascending; the last is open.
    """

    starts: tuple[int, ...]

    @property
    def labels(self) -> list[str]:
        """What each band is called: "1", "2-3" or "16+"."""
        closed = [
            str(start) if after == start + 1 else f"{start}-{after - 1}"
            for start, after in itertools.pairwise(self.starts)
        ]
        return [*closed, f"{self.starts[-1]}+"]

    def place(self, counts: ArrayLike) -> NDArray[np.int64]:
        """Returns the band of each count, from 0; -1 for one below all bands."""
        return np.searchsorted(self.starts, np.asarray(counts), side="right") - 1

    def last_of(self, band: int) -> int | None:
        """Returns the highest number of a band, None if it is open."""
        is_open = band == len(self.starts) - 1
        return None if is_open else self.starts[band + 1] - 1


def even_bands(counts: ArrayLike) -> Bands:
    """Returns bands that hold about as many of the counts each, five at most.

    Args:
        counts: int [N], at least one.
    """
    shares = np.arange(_NUM_EVEN) / _NUM_EVEN
    starts = np.quantile(np.asarray(counts), shares, method="higher")
    return Bands(tuple(sorted({int(start) for start in starts})))


SUPPORT_BANDS = Bands((0, 1, 2, 4, 8, 16))
COUNT_BANDS = Bands((0, 1, 3, 10, 30, 100, 300, 1000))


def banded_groups(
    kind: str, of: str, counts: ArrayLike, bands: Bands
) -> list[PairGroup]:
    """Returns a group for each band of counts that has a member.

    Args:
        kind: What is counted.
        of: What the counts are of: "task", "user" or "item".
        counts: int [rows].
        bands: The bands.
    """
    place = bands.place(counts)
    return [
        PairGroup(kind, label, of, place == band)
        for band, label in enumerate(bands.labels)
        if (place == band).any()
    ]
