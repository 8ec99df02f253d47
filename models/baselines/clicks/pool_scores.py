"""The frame of methods that score all users for a whole pool at once."""

import abc
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.baselines.clicks.baseline import WithoutSupport
from models.episodes.click_records import KnownClicks
from models.legacy_keras import tf
from models.recommender import Episode, State

# From int [U], rows of the user table, to float [U, P].
ScoreUsers: TypeAlias = Callable[[NDArray[np.integer]], NDArray[np.floating]]


class PoolScores(WithoutSupport, abc.ABC):
    """Scores pairs by what is known of each user, by sparse matrices outside the graph.

    What a pool takes is made once and kept until another one is asked for; users come
    in portions, and only those asked for are scored.
    """

    def __init__(self) -> None:
        self._items = np.empty(0, np.int32)
        self._score_users: ScoreUsers | None = None

    @abc.abstractmethod
    def scorer(self, items: NDArray[np.integer]) -> ScoreUsers:
        """Makes the function that scores users for some items.

        Args:
            items: int [P], rows of the item table, ascending.

        Returns:
            A function from int [U], rows of the user table, to scores, float [U, P].
        """

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q] or [U, P]."""
        del state
        users, items = query["query_user"], query["query_item"]
        scores = tf.numpy_function(self._look_up, [users, items], tf.float32)
        return tf.ensure_shape(
            scores, tf.broadcast_static_shape(users.shape, items.shape)
        )

    def _look_up(self, users: NDArray, items: NDArray) -> NDArray[np.float32]:
        wanted = np.unique(items)
        if (
            self._score_users is None
            or not np.isin(wanted, self._items, assume_unique=True).all()
        ):
            self._items, self._score_users = wanted, self.scorer(wanted)
        rows, place = np.unique(users, return_inverse=True)
        scores = self._score_users(rows).astype(np.float32, copy=False)  # [U, P]
        found: NDArray[np.float32] = scores[
            place.reshape(users.shape), np.searchsorted(self._items, items)
        ]
        return found


def click_matrix(known: KnownClicks) -> scipy.sparse.csr_matrix:
    """Returns the known clicks as a sparse matrix float32 of ones.

    Its shape is [num_users + 1, num_items + 1]; row and column 0 are empty.
    """
    ones = np.ones(known.user.size, np.float32)
    shape = known.num_users + 1, known.num_items + 1
    return scipy.sparse.csr_matrix((ones, (known.user, known.item)), shape=shape)
