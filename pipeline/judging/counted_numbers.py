"""Numbers as the statistics of a data set have them, and how far two lie apart."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import statistics_pb2

_TINY = np.finfo(np.float64).tiny


@dataclasses.dataclass(frozen=True, eq=False)
class CountedNumbers:
    """Numbers in buckets, in each of which they are spread evenly.

    Attributes:
        low: float64 [N], the smallest value of each bucket.
        high: float64 [N], the largest; where it is the smallest, all values are it.
        count: float64 [N], values in each bucket.
        mean: Of the values.
        deviation: Their standard deviation.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.float64]
    mean: float
    deviation: float

    @classmethod
    def of_parts(
        cls,
        histograms: Sequence[statistics_pb2.Histogram],
        means: Sequence[float],
        deviations: Sequence[float],
    ) -> Self:
        """Puts parts of a data set together.

        Args:
            histograms: One of each part, with a value at least.
            means: Of each part.
            deviations: Of each part.
        """
        rows = np.array(
            [
                (bucket.low_value, bucket.high_value, bucket.sample_count)
                for histogram in histograms
                for bucket in histogram.buckets
            ]
        )
        low, high, count = rows.T
        sizes = [sum(b.sample_count for b in one.buckets) for one in histograms]
        mean = float(np.average(means, weights=sizes))
        squares = np.square(deviations) + np.square(np.subtract(means, mean))
        variance = np.average(squares, weights=sizes)
        return cls(low, high, count, mean, math.sqrt(variance))

    def distance(self, other: Self) -> float:
        """Returns how far a value moves on average to make the other numbers of these.

        It is the Wasserstein distance of order 1: the area between the two cumulative
        shares, which are straight between the edges of buckets.
        """
        edges = np.unique(np.concatenate([self.low, self.high, other.low, other.high]))
        start = (self._up_to(edges) - other._up_to(edges))[:-1]
        end = (self._below(edges) - other._below(edges))[1:]
        both = np.abs(start) + np.abs(end)
        crossed = (start**2 + end**2) / np.maximum(both, _TINY)
        heights = np.where(start * end < 0.0, crossed, both) / 2
        return float(np.sum(heights * np.diff(edges)))

    def _up_to(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the share of values that are at most each point, float64 [P]."""
        return self._share(points, points[:, np.newaxis] >= self.low)

    def _below(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the share of values that are less than each point, float64 [P]."""
        return self._share(points, points[:, np.newaxis] > self.low)

    def _share(
        self, points: NDArray[np.float64], has_value: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        width = self.high - self.low
        safe = np.where(width > 0.0, width, 1.0)
        inside = np.clip((points[:, np.newaxis] - self.low) / safe, 0.0, 1.0)
        of_bucket = np.where(width > 0.0, inside, has_value)  # [P, N]
        return np.asarray(of_bucket @ self.count / self.count.sum())
