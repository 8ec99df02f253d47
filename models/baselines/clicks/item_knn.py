"""Items like those clicked: by the user, or in the support set."""

from typing import ClassVar

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.baselines.clicks.baseline import Grid, score_clicked
from models.baselines.clicks.pool_scores import PoolScores, ScoreUsers, click_matrix
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode


class ItemCosines:
    """Cosines of the columns of clicks of items, pulled towards 0 where clicks are few.

    Args:
        known: All known clicks.
        vectors: Of users and items, which are of no use here.
        shrinkage: Clicks that are added to the denominator of each cosine, at least 0.

    Attributes:
        clicks: float32 [num_users + 1, num_items + 1], 1 for each click.

    Source:
        Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms"
        (WWW 2001).
    """

    GRID: ClassVar[Grid] = {"shrinkage": (0.0, 3.0, 10.0)}

    def __init__(
        self, known: KnownClicks, vectors: Vectors, *, shrinkage: float = 0.0
    ) -> None:
        del vectors
        super().__init__()
        self.clicks = click_matrix(known)
        self._by_item = self.clicks.tocsc()
        counts = np.asarray(self.clicks.sum(axis=0)).ravel()
        self._norms = np.sqrt(np.maximum(counts, 1.0))
        self._shrinkage = shrinkage

    def cosines(self, items: NDArray[np.integer]) -> scipy.sparse.csr_matrix:
        """Returns the cosines of all items to some, float64 [num_items + 1, P].

        Args:
            items: int [P], rows of the item table.
        """
        both = (self._by_item.T @ self._by_item[:, items]).tocoo()
        norms = self._norms[both.row] * self._norms[items][both.col]
        both.data /= norms + self._shrinkage
        return both.tocsr()


class ItemKNN(ItemCosines, PoolScores):
    """Sums the cosines of an item to the items that the user is known to have clicked.

    All of them count as neighbours. Scores of items that the user has clicked, which
    are like themselves, mean nothing.

    Arguments as of `ItemCosines`.
    """

    def scorer(self, items: NDArray[np.integer]) -> ScoreUsers:
        """Makes the cosines of the items to all items."""
        cosines = self.cosines(items)
        return lambda users: (self.clicks[users] @ cosines).toarray()


class ClickKNN(ItemCosines):
    """Sums the cosines of an item to the items that are clicked in the support set.

    `item_knn` takes the clicks of the user instead. This knows the scenario by its
    support set alone, and nothing of the user.

    Arguments as of `ItemCosines`.
    """

    def adapt(self, support: Episode) -> tf.Tensor:
        """Returns the score of every item, float32 [B, num_items + 1]."""

        def of_set(items: NDArray[np.int32]) -> NDArray[np.float32]:
            return np.asarray(self.cosines(items).sum(axis=1), np.float32).ravel()

        return score_clicked(support, of_set, self.clicks.shape[1])

    def score(self, state: tf.Tensor, query: Episode) -> tf.Tensor:
        """Looks scores up, float32 [B, Q]."""
        return tf.gather(state, query["query_item"], batch_dims=1)
