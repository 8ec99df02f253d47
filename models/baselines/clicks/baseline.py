"""What a baseline of scenarios is, beside a recommender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode, Recommender

# Values to try, by constructor argument; every combination is one candidate.
Grid: TypeAlias = Mapping[str, Sequence[Any]]


class ScenarioBaseline(Recommender, Protocol):
    """A recommender made of the known clicks and the vectors of all users and items.

    Attributes:
        GRID: The hyperparameters worth trying.
    """

    GRID: ClassVar[Grid]

    def __init__(
        self, known: KnownClicks, vectors: Vectors, **hyperparameters: Any
    ) -> None:
        """Makes the method.

        Args:
            known: All known clicks.
            vectors: Of users and items.
            **hyperparameters: One of each of `GRID`.
        """
        ...


def is_clicked(support: Episode) -> tf.Tensor:
    """Returns which pairs of a support set are clicks, bool [B, S].

    The others are negatives or padding.
    """
    return support["support_mask"] & (support["support_label"] > 0.5)
