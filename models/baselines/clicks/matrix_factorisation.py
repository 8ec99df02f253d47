"""The dot product of the factors alone, without what else the vectors hold."""

from __future__ import annotations

from typing import Any

from models.baselines.clicks.dot_product import DotProduct
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors


class MatrixFactorisation(DotProduct):
    """Scores a pair by what `pretrain` factorised, the linear model of items left out.

    Pools are in the factors, if `pretrain` has found them worth it, so that what the
    linear model adds to the same side information can be seen.

    Args:
        vectors: Of users and items; the fit to all known clicks is used.
    """

    @classmethod
    def fit(
        cls, known: KnownClicks, vectors: Vectors, **hyperparameters: Any
    ) -> MatrixFactorisation:
        """Takes the factors."""
        del known, hyperparameters
        return cls(vectors.embedding())
