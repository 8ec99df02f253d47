"""Numbers of items, matrices of them by item row, and ridge regressions on them."""

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State
from transforms.schema import DataError

_MAX_ITEMS = 10_000  # A square matrix of that size takes 0.4 GB, its making thrice.


def check_num_items(name: str, num_items: int) -> None:
    """Refuses a table of items too long for a square matrix.

    Args:
        name: The baseline, as `evaluation.baselines` has it.
        num_items: Rows of the item table, the unknown row not counted.

    Raises:
        DataError: If there are more than 10,000 items.
    """
    if num_items > _MAX_ITEMS:
        raise DataError(
            f"baseline {name!r} needs at most {_MAX_ITEMS} items, got {num_items}: "
            "leave it out of evaluation.baselines and comparison.methods."
        )


def pair_matrix(
    pairs: LabelledPairs, values: NDArray[np.floating]
) -> scipy.sparse.csr_matrix:
    """Puts one value per pair into [num_users + 1, num_items + 1]."""
    shape = (pairs.num_users + 1, pairs.num_items + 1)
    return scipy.sparse.csr_matrix((values, (pairs.user, pairs.item)), shape=shape)


def means_variable() -> tf.Variable:
    """Makes a variable for a number of each item, of one item as yet."""
    return tf.Variable(tf.zeros([1]), shape=[None], trainable=False, name="item_mean")


def matrix_variable(name: str) -> tf.Variable:
    """Makes a variable for a square matrix of any size, of one row as yet."""
    return tf.Variable(tf.zeros([1, 1]), shape=[None, None], trainable=False, name=name)


def entries(matrix: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Looks up the entry of each row with each column of its task.

    Args:
        matrix: float32 [N, N].
        rows: int32 [B, Q].
        columns: int32 [B, S].

    Returns:
        float32 [B, Q, S].
    """
    matrix = tf.convert_to_tensor(matrix)
    places = rows[:, :, tf.newaxis] * tf.shape(matrix)[1] + columns[:, tf.newaxis, :]
    return tf.gather(tf.reshape(matrix, [-1]), places)


def solve_ridge(
    factors: tf.Tensor, residual: tf.Tensor, mask: tf.Tensor, penalty: tf.Tensor
) -> tf.Tensor:
    """Minimises |residual - factors . w| ** 2 + penalty * |w| ** 2 for each task.

    Args:
        factors: float32 [B, S, K].
        residual: float32 [B, S].
        mask: bool [B, S], False for padding, which may hold anything.
        penalty: float32 scalar, above 0.

    Returns:
        w, float32 [B, K]; zeros for a task without real positions.
    """
    factors = tf.where(mask[..., tf.newaxis], factors, 0.0)
    residual = tf.where(mask, residual, 0.0)[..., tf.newaxis]  # [B, S, 1]
    gram = tf.matmul(factors, factors, transpose_a=True)  # [B, K, K]
    gram += penalty * tf.eye(tf.shape(factors)[-1])
    projected = tf.matmul(factors, residual, transpose_a=True)  # [B, K, 1]
    return tf.squeeze(tf.linalg.solve(gram, projected), axis=-1)


class FoldedFactors(tf.Module):
    """Scores a pair with item mean + item factors . user vector.

    A subclass has `fit`, and in `adapt` solves for the user vector.

    Args:
        rank: Factors beside the user bias.
    """

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.item_mean = means_variable()
        self.item_factors = tf.Variable(
            tf.zeros([1, rank + 1]),
            shape=[None, None],
            trainable=False,
            name="item_factors",
        )

    def look_up(self, support: Episode) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns item factors [B, S, D], and labels less item means [B, S]."""
        item = support["support_item"]
        residual = support["support_label"] - tf.gather(self.item_mean, item)
        return tf.gather(self.item_factors, item), residual

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns item mean + item factors . user vector, float32 [B, Q]."""
        item = query["query_item"]
        factors = tf.gather(self.item_factors, item)  # [B, Q, D]
        return tf.gather(self.item_mean, item) + tf.linalg.matvec(factors, state)
