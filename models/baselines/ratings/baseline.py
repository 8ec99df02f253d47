"""What a baseline is, beside a recommender."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

from models.factors.labelled_pairs import LabelledPairs
from models.recommender import Recommender

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
