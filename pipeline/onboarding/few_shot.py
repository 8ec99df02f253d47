"""How good methods are after so many support pairs, and how sure that is."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from models.evaluation.intervals import (
    NO_DIFFERENCE,
    Interval,
    bootstrap_mean,
    paired_difference,
)
from models.evaluation.metric import MIN_TASKS, Metric
from pipeline.onboarding.tasks import Floats

MODEL = "cmml"

# Support sizes of a curve; those that the interactions do not reach are left out.
SIZES = (0, 1, 2, 3, 5, 10, 20, 40)

# Share of the units that the size by which one judges must have, and at least
# `MIN_TASKS` of them where any size has so many.
_REACHED_BY = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class FewShotCurve:
    """A metric of several methods on the same pairs, by size of the support set.

    Attributes:
        metric: What methods are judged by.
        unit: What intervals are over, in the plural: "users" or "splits".
        num_splits: Random splits behind each value.
        sizes: P support sizes, ascending, the first one 0.
        values: By method, float64 [P, N]; NaN where a unit has too few pairs.
        reference: The method that the model has to beat.
        size_noun: What sizes count, in the plural: "pairs", or "clicks", each of which
            comes with a negative.
    """

    metric: Metric
    unit: str
    num_splits: int
    sizes: Sequence[int]
    values: Mapping[str, Floats]
    reference: str
    size_noun: str = "pairs"

    def num_units(self, size: int) -> int:
        """Returns how many units reach a support size."""
        return int(np.sum(~np.isnan(self._values(MODEL, size))))

    def interval(self, method: str, size: int) -> Interval:
        """Returns the mean over units after so many pairs, and its interval."""
        return bootstrap_mean(self._values(method, size), seed=0)

    def gain(self, size: int) -> Interval:
        """Returns by how much the model is better than the reference, in pairs."""
        return paired_difference(
            self.metric.direction * self._values(MODEL, size),
            self.metric.direction * self._values(self.reference, size),
            seed=0,
        )

    @property
    def judged_size(self) -> int:
        """The largest support size that half of the units reach, and 6 of them."""
        most = self.num_units(self.sizes[0])
        enough = max(_REACHED_BY * most, min(MIN_TASKS, most))
        return max(size for size in self.sizes if self.num_units(size) >= enough)

    def size_in_words(self, size: int) -> str:
        """Returns a support size and what it counts."""
        return f"{size} {self.size_noun[:-1] if size == 1 else self.size_noun}"

    def better_methods(self, size: int) -> list[str]:
        """Names the methods whose mean after so many pairs is above the model's."""
        own = self.interval(MODEL, size).mean
        return [
            name
            for name in self.values
            if self.metric.direction * (self.interval(name, size).mean - own) > 0.0
        ]

    def is_flat(self) -> bool:
        """Whether the model comes to the same for every unit, whatever is shown."""
        own = self.values[MODEL]
        is_reached = ~np.isnan(own[1:])
        moved = np.abs(own[1:] - own[0])[is_reached]
        return bool(moved.size) and float(moved.max()) < NO_DIFFERENCE

    def _values(self, method: str, size: int) -> Floats:
        return self.values[method][list(self.sizes).index(size)]


def sizes_up_to(num_pairs: int) -> list[int]:
    """Returns the support sizes of a curve that so many pairs allow."""
    return [size for size in SIZES if size <= num_pairs]
