"""Groups of tasks, users and items that a method may be better or worse for."""

from __future__ import annotations

from numpy.typing import ArrayLike

from pipeline.reports.run.bands import Bands
from pipeline.settings.pair_group import PairGroup


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
