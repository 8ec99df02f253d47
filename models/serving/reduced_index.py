"""Items of the highest prior, by the few directions in which their vectors differ."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.legacy_keras import tf
from models.pairs.factor_tables import products
from transforms.schema import UNKNOWN

_BLOCK = 1 << 16  # Items whose vectors are looked up at once.
_GROUP = 8  # Items that are looked at if the best of them is good enough.
_SAMPLE = 1 << 15  # Items that tell how many directions are needed.
_STEP = 32  # Directions that are added at once.
_SHARE = 0.99  # Of the best items of the sample, to be found.
_COST = 10  # Rows of a table that are read in the time that an item found takes.


class ReducedIndex(tf.Module):
    """Items by a few directions, which tell which of them to look at as a whole.

    The score of an item is the product of its vector with that of the query. Most of
    what tells scores apart lies in few of the directions of vectors of hundreds of
    units, in which blocks of alike items (`ItemIndex`) are too wide to leave any out.

    Args:
        table: float32 [T, D], the vector of each row.
        rows: int32 [N], the rows to choose from.
        directions: float32 [D, R], at right angles, each of length 1.
        num_searched: Items that a search finds, at most N.
    """

    def __init__(
        self,
        table: tf.Tensor,
        rows: NDArray[np.int32],
        directions: NDArray[np.float32],
        *,
        num_searched: int,
    ) -> None:
        super().__init__(name="reduced_index")
        missing = -len(rows) % _GROUP
        reduced = np.zeros([len(rows) + missing, directions.shape[1]], np.float32)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            reduced[start : start + len(block)] = tf.gather(table, block) @ directions
        self._directions = tf.constant(directions)
        self._reduced = tf.Variable(reduced, trainable=False, name="reduced_items")
        self._rows = tf.constant(np.pad(rows, [0, missing], constant_values=UNKNOWN))
        self.num_searched = min(num_searched, len(rows))

    @classmethod
    def of_queries(
        cls,
        table: tf.Tensor,
        rows: NDArray[np.int32],
        queries: NDArray[np.float32],
        *,
        num_best: int,
        num_searched: int,
    ) -> Self | None:
        """Makes an index of as many directions as some queries need.

        Args:
            table: As of the index.
            rows: As of the index.
            queries: float32 [Q, D].
            num_best: Items that are to be found for each of them.
            num_searched: As of the index.

        Returns:
            The index, or None if it would save no time, or would be larger than half of
            the table.
        """
        num_searched = min(num_searched, len(rows))
        size = min(_SAMPLE, len(rows))
        sample = np.random.default_rng(0).choice(rows, size, replace=False)
        share = min(0.5, 1.0 - _COST * num_searched / len(rows))
        directions = find_directions(
            tf.gather(table, sample).numpy(),
            queries,
            most=int(share * table.shape[1]),
            num_best=max(1, num_best * size // len(rows)),
            num_searched=max(1, num_searched * size // len(rows)),
        )
        if directions is None:
            return None
        return cls(table, rows, directions, num_searched=num_searched)

    def search(self, query: tf.Tensor) -> tf.Tensor:
        """Finds items that are likely to have the highest scores.

        Args:
            query: float32 [B, D].

        Returns:
            int32 [B, num_searched], rows in any order, with unknown ones between.
        """
        scores = products(tf.matmul(query, self._directions), self._reduced)
        num_tasks, num_items = tf.shape(scores)[0], self._reduced.shape[0]
        # The best N items lie in the N groups that have the best items.
        groups = tf.reshape(scores, [num_tasks, num_items // _GROUP, _GROUP])
        num_groups = min(self.num_searched, num_items // _GROUP)
        best_groups = _places_of_best(tf.reduce_max(groups, axis=-1), num_groups)
        of_groups = tf.gather(groups, best_groups, batch_dims=1)
        of_groups = tf.reshape(of_groups, [num_tasks, num_groups * _GROUP])
        best = _places_of_best(of_groups, self.num_searched)
        best_groups = tf.gather(best_groups, best // _GROUP, batch_dims=1)
        return tf.gather(self._rows, best_groups * _GROUP + best % _GROUP)


def find_directions(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    *,
    most: int,
    num_best: int,
    num_searched: int,
) -> NDArray[np.float32] | None:
    """Finds the directions in which vectors differ most, as many as are needed.

    Args:
        vectors: float32 [S, D].
        queries: float32 [Q, D], which tell how many are needed: nearly all of the
            vectors with the highest products are to be among those with the highest
            products in these directions alone.
        most: How many are too many, less 1.
        num_best: How many the former are.
        num_searched: How many the latter are.

    Returns:
        float32 [D, R], at right angles, or None if more than `most` are needed.
    """
    _, directions = np.linalg.eigh(np.cov(vectors.T))
    directions = directions[:, ::-1].astype(np.float32)
    scores = vectors @ queries.T
    best = np.argpartition(-scores, num_best - 1, axis=0)[:num_best]
    vectors, queries = vectors @ directions, queries @ directions
    partial = np.zeros_like(scores)
    for stop in range(_STEP, most + 1, _STEP):
        added = slice(stop - _STEP, stop)
        partial += vectors[:, added] @ queries[:, added].T
        least = -np.partition(-partial, num_searched - 1, axis=0)[num_searched - 1]
        is_found = np.take_along_axis(partial, best, axis=0) >= least
        if is_found.mean() >= _SHARE:
            return directions[:, :stop]
    return None


def _places_of_best(values: tf.Tensor, number: int) -> tf.Tensor:
    return tf.math.top_k(values, number, sorted=False).indices
