"""Closeness to the clicks alone."""

from __future__ import annotations

from models.baselines.clicks.baseline import is_clicked
from models.factors.folded_user import FoldedUser
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.pairs.closeness import Closeness
from models.pairs.factor_tables import FactorTables
from models.recommender import Episode


class ItemCloseness:
    """Scores an item by how close it is to the clicks, as the prior of CMML has it.

    Args:
        vectors: Of users and items; fits to all known clicks are used.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._tables = FactorTables(vectors.complete())
        self._closeness = Closeness(vectors)

    def adapt(self, support: Episode) -> FoldedUser:
        """Adds the clicks up."""
        pairs = self._tables.look_up(support, "support")
        return self._closeness.add_up(pairs, is_clicked(support))

    def score(self, state: FoldedUser, query: Episode) -> tf.Tensor:
        """Returns the closeness, float32 [B, Q]."""
        units = self._closeness.units(self._tables.look_up(query, "query"))
        return tf.linalg.matvec(units, self._closeness.mean_click(state))
