"""The frame of methods that score all users for a whole pool at once."""

from __future__ import annotations

import abc

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.legacy_keras import tf
from models.recommender import Episode
from models.scenarios.records import KnownClicks


class PoolScores(abc.ABC):
    """Scores pairs by what is known of each user, by sparse matrices outside the graph.

    Scores of one pool are kept until another one is asked for, so that users can come
    in portions.
    """

    def __init__(self) -> None:
        self._items = np.empty(0, np.int32)
        self._scores = np.empty([0, 0], np.float32)

    @abc.abstractmethod
    def score_pool(self, items: NDArray[np.integer]) -> NDArray[np.floating]:
        """Scores every user for some items.

        Args:
            items: int [P], rows of the item table, ascending.

        Returns:
            float [num_users + 1, P].
        """

    def adapt(self, support: Episode) -> tuple[()]:
        """Returns an empty state: the support set is of no use here."""
        del support
        return ()

    def score(self, state: tuple[()], query: Episode) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q]."""
        del state
        users, items = query["query_user"], query["query_item"]
        scores = tf.numpy_function(self._look_up, [users, items], tf.float32)
        return tf.ensure_shape(scores, items.shape)

    def _look_up(self, users: NDArray, items: NDArray) -> NDArray[np.float32]:
        wanted = np.unique(items)
        if not np.isin(wanted, self._items, assume_unique=True).all():
            self._items = wanted
            self._scores = np.asarray(self.score_pool(wanted), np.float32)
        return self._scores[users, np.searchsorted(self._items, items)]


def click_matrix(known: KnownClicks) -> scipy.sparse.csr_matrix:
    """Returns the known clicks as a sparse matrix float32 of ones.

    Its shape is [num_users + 1, num_items + 1]; row and column 0 are empty.
    """
    ones = np.ones(known.user.size, np.float32)
    shape = known.num_users + 1, known.num_items + 1
    return scipy.sparse.csr_matrix((ones, (known.user, known.item)), shape=shape)
