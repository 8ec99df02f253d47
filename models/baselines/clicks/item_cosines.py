"""How alike items are by who has clicked them."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.baselines.clicks.pool_scores import click_matrix
from models.episodes.click_records import KnownClicks


class ItemCosines:
    """Cosines of the columns of clicks of items, pulled towards 0 where clicks are few.

    Args:
        known: All known clicks.
        shrinkage: Clicks that are added to the denominator of each cosine, at least 0.

    Attributes:
        clicks: float64 [num_users + 1, num_items + 1], 1 for each click.

    Source:
        Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms"
        (WWW 2001).
    """

    def __init__(self, known: KnownClicks, shrinkage: float) -> None:
        self.clicks = click_matrix(known)
        self._by_item = self.clicks.tocsc()
        counts = np.asarray(self.clicks.sum(axis=0)).ravel()
        self._norms = np.sqrt(np.maximum(counts, 1.0))
        self._shrinkage = shrinkage

    @property
    def num_rows(self) -> int:
        """Rows of the item table, the unknown one counted."""
        return int(self._norms.size)

    def of(self, items: NDArray[np.integer]) -> scipy.sparse.csr_matrix:
        """Returns the cosines of all items to some, float64 [num_items + 1, P].

        Args:
            items: int [P], rows of the item table.
        """
        both = (self._by_item.T @ self._by_item[:, items]).tocoo()
        norms = self._norms[both.row] * self._norms[items][both.col]
        both.data /= norms + self._shrinkage
        return both.tocsr()
