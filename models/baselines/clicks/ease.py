"""EASE: a linear model of each item by all others, in closed form."""

import functools
from typing import ClassVar

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import NDArray

from models.baselines.clicks.baseline import Grid, score_clicked
from models.baselines.clicks.pool_scores import PoolScores, ScoreUsers, click_matrix
from models.episodes.click_records import KnownClicks
from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode
from transforms.schema import DataError

_ITEMS_AT_ONCE = 1 << 12  # That users are multiplied by.
_MAX_SIDE = 20_000  # A square matrix of that size takes 1.6 GB, its inversion thrice.


class EASE(PoolScores):
    """Scores an item by a ridge regression of its clicks on those of all other items.

    With X [U, I] the known clicks and P = (X'X + aI)^-1 the weights are
    B = I - P diag(P)^-1. Where there are fewer users than items, P comes from the
    smaller matrix M = (aI + XX')^-1: P = (I - X'MX) / a, so that a user u scores an
    item j they have not clicked ((I - aM) X)[u, j] / (1 - X[:, j]' M X[:, j]). Scores
    of items they have clicked mean nothing.

    Args:
        known: All known clicks.
        vectors: Of users and items, which are of no use here.
        l2: a, the ridge, above 0.

    Raises:
        DataError: If there are more than 20,000 users and as many items.

    Source:
        Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019).
    """

    GRID: ClassVar[Grid] = {"l2": (100.0, 200.0, 400.0)}

    def __init__(
        self, known: KnownClicks, vectors: Vectors, *, l2: float = 200.0
    ) -> None:
        del vectors
        super().__init__()
        self._clicks = click_matrix(known)
        self._l2 = l2
        num_users, num_items = self._clicks.shape
        if min(known.num_users, known.num_items) > _MAX_SIDE:
            raise DataError(
                f"baseline 'ease' needs at most {_MAX_SIDE} users or items, got "
                f"{known.num_users} and {known.num_items}: leave it out of "
                "evaluation.baselines."
            )
        self._by_user = num_users <= num_items
        side = self._clicks if self._by_user else self._clicks.T
        gram = side @ side.T
        self._inverse = _inverse(gram.toarray(), l2)

    def scorer(self, items: NDArray[np.integer]) -> ScoreUsers:
        """Makes the weights of the items, or the scores of all users."""
        if not self._by_user:
            weights = -self._inverse[:, items] / np.diag(self._inverse)[items]
            weights = np.ascontiguousarray(weights)  # Else each product copies them.
            return lambda users: self._clicks[users] @ weights
        pool = self._clicks[:, items]  # [num_users + 1, P]
        smoothed, leverage = self._smoothed(pool)
        scores = (pool.toarray() - self._l2 * smoothed) / (1.0 - leverage)
        return lambda users: scores[users]

    def weights_of(self, items: NDArray[np.integer]) -> NDArray[np.floating]:
        """Returns the sums of the weights B_ij of some items i.

        Args:
            items: int [S], rows of the item table.

        Returns:
            float [num_items + 1], by j; those of the items themselves mean nothing.
        """
        if not self._by_user:
            return -self._inverse[items].sum(axis=0) / np.diag(self._inverse)
        clicked = np.asarray(self._clicks[:, items].sum(axis=1)).ravel()
        return (self._clicks.T @ (self._inverse @ clicked)) / (1.0 - self._leverages)

    @functools.cached_property
    def _leverages(self) -> NDArray[np.floating]:
        """The leverage X[:, j]' M X[:, j] of every item j."""
        leverages = np.zeros(self._clicks.shape[1])
        for start in range(0, len(leverages), _ITEMS_AT_ONCE):
            some = slice(start, start + _ITEMS_AT_ONCE)
            _, leverages[some] = self._smoothed(self._clicks[:, some])
        return leverages

    def _smoothed(
        self, pool: scipy.sparse.csr_matrix
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Returns M X of some items, [num_users + 1, P], and their leverages, [P]."""
        smoothed = np.asarray((pool.T @ self._inverse).T)
        return smoothed, np.asarray(pool.multiply(smoothed).sum(axis=0)).ravel()


def _inverse(gram: NDArray[np.float32], l2: float) -> NDArray[np.float32]:
    """Inverts gram + l2 I, which is symmetric and positive."""
    np.fill_diagonal(gram, gram.diagonal() + l2)
    factor, _ = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True)
    inverse, _ = scipy.linalg.lapack.spotri(factor, lower=True, overwrite_c=True)
    lower = np.tril(inverse)
    return lower + np.tril(inverse, -1).T


class EASEClick(EASE):
    """Adds to what EASE says of a user what it says of the clicks of the support set.

    Item j gains the weights B_ij of each clicked item i, times `click_weight`.

    Args:
        known: All known clicks.
        vectors: Of users and items, which are of no use here.
        l2: The ridge, above 0.
        click_weight: Weight of a click of the support set beside one of the user.

    Raises:
        DataError: As of `EASE`.
    """

    GRID: ClassVar[Grid] = {**EASE.GRID, "click_weight": (0.03, 0.1, 0.3, 1.0)}

    def __init__(
        self,
        known: KnownClicks,
        vectors: Vectors,
        *,
        l2: float = 200.0,
        click_weight: float = 0.1,
    ) -> None:
        super().__init__(known, vectors, l2=l2)
        self._click_weight = click_weight
        self._num_rows = known.num_items + 1

    def adapt(self, support: Episode) -> tf.Tensor:
        """Returns what the clicks add to every item, float32 [B, num_items + 1]."""
        gains = score_clicked(support, self.weights_of, self._num_rows)
        return self._click_weight * gains

    def score(self, state: tf.Tensor, query: Episode) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q] or [U, P]."""
        gains = tf.gather(state, query["query_item"], batch_dims=1)
        return super().score((), query) + gains


class EASEOfNewUsers(EASEClick):
    """The same of users without known clicks, who are known by those shown alone.

    There is nothing beside these that they could be weighed against.

    Arguments as of `EASEClick`.
    """

    GRID: ClassVar[Grid] = EASE.GRID
