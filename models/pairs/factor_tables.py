"""Factors of the pairs of an episode, in the fit that it is to be seen with."""

from typing import NamedTuple

import numpy as np

from models.factors.vectors import Vectors
from models.legacy_keras import tf
from models.recommender import Episode, stand_for_every_pair


class FactorPairs(NamedTuple):
    """The factors of user and item of the pairs of a support or query set.

    Attributes:
        user: float32 [B, S, D], or [U, 1, D] where every pair is asked for.
        item: float32 [B, S, D], or [1, P, D] then.
        unit_weights: float32 [B, 1, D], what units weigh in the dot product.
        item_row: int32 [B, S], or [1, P] then.
        is_open: float32 [B, S], or [B, 1] if alike for all: 1 for a pair that is asked
            for without a pool, else 0, as of all support pairs.
    """

    user: tf.Tensor
    item: tf.Tensor
    unit_weights: tf.Tensor
    item_row: tf.Tensor
    is_open: tf.Tensor


class FactorTables:
    """Looks factors up; they are constants, no weights of a model.

    Args:
        vectors: Of users and items.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._users = tf.constant(vectors.users)
        self._items = tf.constant(vectors.items)
        self._unit_weights = tf.constant(vectors.unit_weights)

    def look_up(self, half: Episode, role: str) -> FactorPairs:
        """Looks up the factors of pairs, in fit 0 unless the episode says another.

        Args:
            half: The support or the query set of a batch.
            role: "support" or "query". Padding of a support set is unknown.
        """
        users, items = half[f"{role}_user"], half[f"{role}_item"]
        if role == "support":
            mask = half["support_mask"]
            users, items = tf.where(mask, users, 0), tf.where(mask, items, 0)
        is_open = half.get(f"{role}_open")
        if is_open is None:
            is_open = tf.zeros([tf.shape(users)[0], 1])
        fit = half.get(f"{role}_fit")
        if fit is None:
            user = tf.gather(self._users[0], users)
            item = tf.gather(self._items[0], items)
        else:
            user = _in_fit(self._users, fit, users)
            item = _in_fit(self._items, fit, items)
        weights = weights_of(self._unit_weights, is_open)
        return FactorPairs(user, item, weights, items, is_open)


def _in_fit(tables: tf.Tensor, fit: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
    fit = tf.broadcast_to(fit, tf.shape(rows))
    return tf.gather_nd(tables, tf.stack([fit, rows], axis=-1))


def weights_of(unit_weights: tf.Tensor, is_open: tf.Tensor) -> tf.Tensor:
    """Returns what units of pairs weigh, float32 [B, 1, D].

    Args:
        unit_weights: float32 [2, D]: where a pool is given, and where none is.
        is_open: float32 [B, S], alike for all pairs of a task: 1 if they are asked for
            without a pool, else 0.
    """
    pool, without = tf.unstack(unit_weights)
    return pool + tf.expand_dims(is_open[:, :1], -1) * (without - pool)


def dot_product(pairs: FactorPairs) -> tf.Tensor:
    """Returns the dot product of the factors of each pair, float32 [B, S] or [U, P]."""
    weighed = pairs.user * pairs.unit_weights
    if stand_for_every_pair(pairs.user, pairs.item):
        return products(weighed[:, 0], pairs.item[0])
    return tf.reduce_sum(weighed * pairs.item, axis=-1)


def products(queries: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """Returns the dot product of each query with each row of a table.

    A product with the table turned around gives the same, and takes ten times as long
    for a few queries and a table that is tall and wide.

    Args:
        queries: float32 [B, D].
        table: float32 [N, D].

    Returns:
        float32 [B, N].
    """
    return tf.transpose(tf.matmul(table, queries, transpose_b=True))


def one_over_rms(table: np.ndarray) -> float:
    """Returns what brings factors to a root mean square of 1.

    Args:
        table: float [N + 1, D], the unknown entity first, which counts if it is alone.
    """
    known = table[1:] if len(table) > 1 else table
    rms = float(np.sqrt(np.mean(np.square(known, dtype=np.float64))))
    return 1.0 / rms if rms else 1.0
