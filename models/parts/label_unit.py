"""The unit of labels: where it is left behind, and where it comes back."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf


@dataclasses.dataclass(frozen=True)
class LabelUnit:
    """Standardises labels, and gives what was learned of them their unit again.

    Everything that learns from ratings sees standardised labels alone, so that no
    constant in it can depend on what the data set calls a high label. Mean and
    deviation are float64 numbers, each in the graph as the sum of two of float32, which
    all runtimes have: labels that differ in unit alone become the same numbers but for
    rounding, also far from zero.

    Attributes:
        mean: Mean of the meta-train labels.
        std: Their standard deviation, above 0.

    Raises:
        ValueError: If the deviation is not above 0.
    """

    mean: float
    std: float

    def __post_init__(self) -> None:
        if not self.std > 0.0:
            raise ValueError(f"std of labels must be above 0, got {self.std}.")

    def standardised(self, labels: tf.Tensor) -> tf.Tensor:
        """Returns float32 [...], of mean 0 and deviation 1, of labels [...]."""
        mean, rest = _two_parts(self.mean)
        return _times((tf.cast(labels, tf.float32) - mean) - rest, 1.0 / self.std)

    def standardised_array(self, labels: ArrayLike) -> NDArray[np.float32]:
        """Returns the same of an array."""
        deviation = np.asarray(labels, np.float64) - self.mean
        standard: NDArray[np.float32] = (deviation / self.std).astype(np.float32)
        return standard

    def standardised_pairs(self, pairs: LabelledPairs) -> LabelledPairs:
        """Returns the pairs with labels that have no unit."""
        return dataclasses.replace(pairs, label=self.standardised_array(pairs.label))

    def restored(self, scores: tf.Tensor) -> tf.Tensor:
        """Returns standardised scores [...] in the unit of the labels, float32."""
        mean, rest = _two_parts(self.mean)
        return mean + (rest + _times(tf.cast(scores, tf.float32), self.std))


def _two_parts(number: float) -> tuple[np.float32, np.float32]:
    """Returns the float32 next to a number, and what is left of it."""
    nearest = np.float32(number)
    return nearest, np.float32(number - float(nearest))


def _times(values: tf.Tensor, number: float) -> tf.Tensor:
    factor, rest = _two_parts(number)
    return values * factor + values * rest
