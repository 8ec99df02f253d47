"""What finding a label is worth in NDCG."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from models.evaluation.intervals import Floats

_MAX_EXPONENT = 1000.0  # More is infinite.
_MAX_EXPONENTIAL_RANGE = 10.0  # Beyond, the highest labels alone would count.


@dataclasses.dataclass(frozen=True)
class LabelGain:
    """The gain of labels: 2 ** label - 1 where their range is narrow, else linear.

    Attributes:
        lowest: Smallest legal label.
        highest: Largest legal label.
    """

    lowest: float
    highest: float

    @property
    def is_exponential(self) -> bool:
        """Whether it is 2 ** label - 1."""
        is_narrow = self.highest - self.lowest <= _MAX_EXPONENTIAL_RANGE
        return is_narrow and self.highest <= _MAX_EXPONENT

    @property
    def words(self) -> str:
        """The formula."""
        start = min(self.lowest, 0.0) if self.is_exponential else self.lowest
        label = "label" if start == 0.0 else f"label {-start:+g}"
        return f"2^({label}) - 1" if self.is_exponential else label

    def of(self, labels: ArrayLike) -> Floats:
        """Returns the gain of labels, at least 0, float64 [...].

        A range that begins below 0 is moved up to begin there.
        """
        numbers = np.asarray(labels, np.float64)
        if not self.is_exponential:
            return self.linear(numbers)
        gains: Floats = 2.0 ** (numbers - min(self.lowest, 0.0)) - 1.0
        return np.maximum(gains, 0.0)

    def linear(self, labels: ArrayLike) -> Floats:
        """Returns label - lowest, float64 [...], whatever the range."""
        return np.maximum(np.asarray(labels, np.float64) - self.lowest, 0.0)
