"""Dot products of vectors, with those of a user or the mean of the clicked items."""

from typing import ClassVar

from models.baselines.clicks.baseline import Grid, WithoutSupport, is_clicked
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.masked_mean import masked_mean
from models.pairs.factor_tables import FactorTables, dot_product
from models.recommender import Episode


class DotProduct(WithoutSupport):
    """Scores a pair by the dot product of its vectors, whatever the scenario.

    Args:
        known: All known clicks, which are of no use here.
        vectors: Of users and items; fits to all known clicks are used.
    """

    GRID: ClassVar[Grid] = {}

    def __init__(self, known: KnownClicks, vectors: Vectors) -> None:
        del known
        self._tables = FactorTables(vectors.complete())

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


class ClickMean:
    """Scores an item by its dot product with the mean of the clicked items' factors.

    It knows the scenario by its support set alone, and nothing of the user.

    Args:
        known: All known clicks, which are of no use here.
        vectors: Of users and items; fits to all known clicks are used.
    """

    GRID: ClassVar[Grid] = {}

    def __init__(self, known: KnownClicks, vectors: Vectors) -> None:
        del known
        self._tables = FactorTables(vectors.embedding().complete())

    def adapt(self, support: Episode) -> tf.Tensor:
        """Returns the mean factors of the clicks, float32 [B, D]; zeros without any."""
        items = self._tables.look_up(support, "support").item
        return masked_mean(items, is_clicked(support)[..., tf.newaxis], axis=1)

    def score(self, state: tf.Tensor, query: Episode) -> tf.Tensor:
        """Returns the dot products, float32 [B, Q]."""
        return tf.linalg.matvec(self._tables.look_up(query, "query").item, state)
