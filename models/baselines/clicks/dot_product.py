"""The dot product of the vectors that CMML stands on, and of their factors alone."""

from __future__ import annotations

from typing import ClassVar

from models.baselines.clicks.baseline import Grid
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.factor_tables import FactorTables, dot_product
from models.recommender import Episode


class DotProduct:
    """Scores a pair by the dot product of its vectors, whatever the scenario.

    Args:
        known: All known clicks, which are of no use here.
        vectors: Of users and items; fits to all known clicks are used.
    """

    GRID: ClassVar[Grid] = {}

    def __init__(self, known: KnownClicks, vectors: Vectors) -> None:
        del known
        self._tables = FactorTables(vectors.complete())

    def adapt(self, support: Episode) -> tuple[()]:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: tuple[()], query: Episode) -> tf.Tensor:
        """Returns the dot products, float32 [B, Q]."""
        del state
        return dot_product(self._tables.look_up(query, "query"))


class MatrixFactorisation(DotProduct):
    """Scores a pair by what `pretrain` factorised, the linear model of items left out.

    Pools are in the factors, if `pretrain` has found them worth it, so that what the
    linear model adds to the same side information can be seen.

    Arguments as of `DotProduct`.
    """

    def __init__(self, known: KnownClicks, vectors: Vectors) -> None:
        super().__init__(known, vectors.embedding())
