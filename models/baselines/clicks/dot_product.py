"""The dot product of the vectors that CMML stands on."""

from __future__ import annotations

from typing import Any, ClassVar

from models.baselines.clicks.baseline import Grid
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.factor_tables import FactorTables, dot_product
from models.recommender import Episode


class DotProduct:
    """Scores a pair by the dot product of its vectors, whatever the scenario.

    Args:
        vectors: Of users and items; fits to all known clicks are used.
    """

    GRID: ClassVar[Grid] = {}

    def __init__(self, vectors: Vectors) -> None:
        self._tables = FactorTables(vectors.complete())

    @classmethod
    def fit(
        cls, known: KnownClicks, vectors: Vectors, **hyperparameters: Any
    ) -> DotProduct:
        """Takes the vectors."""
        del known, hyperparameters
        return cls(vectors)

    def adapt(self, support: Episode) -> tuple[()]:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: tuple[()], query: Episode) -> tf.Tensor:
        """Returns the dot products, float32 [B, Q]."""
        del state
        return dot_product(self._tables.look_up(query, "query"))
