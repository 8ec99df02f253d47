"""What a baseline is, beside a recommender, and how it sees standardised labels."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.parts.label_unit import LabelUnit
from models.recommender import Episode, Recommender, State

# Values to try, by constructor argument; every combination is one candidate.
Grid: TypeAlias = Mapping[str, Sequence[Any]]


class Baseline(Recommender, Protocol):
    """A recommender fitted to training pairs in one call.

    Every constructor argument has a default, and those of `GRID` are keyword-only.
    Scores are not clipped to the label range.

    Attributes:
        GRID: The hyperparameters worth trying.
    """

    GRID: ClassVar[Grid]

    def __init__(self, **hyperparameters: Any) -> None:
        """Creates the method, not fitted yet."""
        ...

    def fit(self, pairs: LabelledPairs) -> None:
        """Fits the method; fitting again forgets the pairs of before.

        Args:
            pairs: The training pairs.
        """
        ...


class Standardised(tf.Module):
    """Takes the unit from labels before a method sees them, and gives it to scores.

    So no penalty, tolerance or starting point of a method depends on it.

    Args:
        method: Not fitted yet.
        unit: Of the labels.
    """

    def __init__(self, method: Baseline, unit: LabelUnit) -> None:
        super().__init__(name="standardised")
        self.method = method
        self._unit = unit

    def fit(self, pairs: LabelledPairs) -> None:
        """Fits the method.

        Args:
            pairs: The meta-train pairs, with standardised labels.
        """
        self.method.fit(pairs)

    def adapt(self, support: Episode) -> State:
        """Returns what the method knows of each task."""
        labels = self._unit.standardised(support["support_label"])
        return self.method.adapt({**support, "support_label": labels})

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns scores in the unit of the labels, float32 [B, Q]."""
        return self._unit.restored(self.method.score(state, query))
