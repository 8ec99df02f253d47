"""The items that can be recommended, and the best of them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from models.legacy_keras import tf
from transforms.schema import UNKNOWN, DataError

# Pairs scored at once: the layers of so many stay in the cache of a core. Of each task
# there are some in a block, so that many tasks do not make many blocks.
_BLOCK = 512
_MIN_BLOCK = 64


class Catalogue(tf.Module):
    """Finds the best items by their scores, without those excluded.

    Args:
        counts: int [N + 1], interactions of each item by row.
        min_item_count: Items with fewer interactions are not recommended.
        top_k: K, items returned.

    Raises:
        DataError: If no item may be recommended.
    """

    def __init__(self, counts: np.ndarray, *, min_item_count: int, top_k: int) -> None:
        super().__init__(name="catalogue")
        rows = np.flatnonzero(counts >= min_item_count)
        rows = rows[rows != UNKNOWN].astype(np.int32)
        if not len(rows):
            raise DataError(
                "no item may be recommended: none has min_item_count = "
                f"{min_item_count} interactions."
            )
        self.num_rows = len(counts)
        self.candidates = tf.constant(rows)
        self._counts = counts
        share = counts / max(1, counts.sum())
        self.popularity = tf.constant(share, tf.float32)  # [N + 1]
        self.top_k = min(top_k, len(rows))

    def all_rows(self, batch_size: tf.Tensor) -> tf.Tensor:
        """Returns the rows of all candidates for each task, int32 [B, N]."""
        return tf.broadcast_to(self.candidates, [batch_size, len(self.candidates)])

    def most_popular(self, num_rows: int) -> np.ndarray:
        """Returns the rows of the most popular candidates, int32 [num_rows].

        They are ascending, with unknown ones behind if there are fewer candidates.
        """
        rows = self.candidates.numpy()
        order = np.argsort(-self._counts[rows], kind="stable")
        best = np.sort(rows[order[:num_rows]])
        return np.pad(best, [0, num_rows - len(best)], constant_values=UNKNOWN)

    def only_candidates(self, rows: tf.Tensor) -> tf.Tensor:
        """Makes rows int32 [B, M] unknown that may not be recommended."""
        may_be = np.isin(np.arange(self.num_rows), self.candidates)
        return tf.where(tf.gather(tf.constant(may_be), rows), rows, UNKNOWN)

    def is_among(self, rows: tf.Tensor, excluded: tf.Tensor) -> tf.Tensor:
        """Says which rows int32 [B, M] are among those excluded, int32 [B, E]."""
        tasks = tf.expand_dims(tf.range(tf.shape(excluded)[0]), 1)
        tasks = tf.broadcast_to(tasks, tf.shape(excluded))
        marked = tf.scatter_nd(
            tf.stack([tasks, excluded], axis=-1),
            tf.ones_like(excluded),
            [tf.shape(excluded)[0], self.num_rows],
        )
        return tf.gather(marked, rows, batch_dims=1) > 0

    def without_repeats(self, rows: tf.Tensor) -> tf.Tensor:
        """Makes rows int32 [B, M] unknown that stand further left already."""
        places = tf.broadcast_to(tf.range(tf.shape(rows)[1]), tf.shape(rows))
        tasks = tf.broadcast_to(
            tf.expand_dims(tf.range(tf.shape(rows)[0]), 1), tf.shape(rows)
        )
        nowhere = tf.fill([tf.shape(rows)[0], self.num_rows], tf.shape(rows)[1])
        first = tf.tensor_scatter_nd_min(
            nowhere, tf.stack([tasks, rows], axis=-1), places
        )
        return tf.where(tf.gather(first, rows, batch_dims=1) == places, rows, UNKNOWN)

    def best(self, worth: tf.Tensor) -> "Chosen":
        """Takes the rows of the highest worth.

        Args:
            worth: float32 [B, M], -inf for an item that is excluded.
        """
        missing = tf.maximum(self.top_k - tf.shape(worth)[1], 0)
        worth = tf.pad(worth, [[0, 0], [0, missing]], constant_values=-np.inf)
        best = tf.math.top_k(worth, self.top_k)
        return Chosen(best.indices, best.values > -np.inf)


class Chosen(NamedTuple):
    """The best K of M rows of each task, best first.

    Attributes:
        places: int32 [B, K], among the M rows, or beyond them.
        is_left: bool [B, K], False where fewer rows than K were left.
    """

    places: tf.Tensor
    is_left: tf.Tensor

    def of(self, values: tf.Tensor) -> tf.Tensor:
        """Returns the values [B, M] of the chosen rows, [B, K]; 0 beyond the rows."""
        places = tf.minimum(self.places, tf.shape(values)[1])
        return tf.gather(tf.pad(values, [[0, 0], [0, 1]]), places, batch_dims=1)


def score_in_blocks(
    score: Callable[[tf.Tensor], Any], rows: tf.Tensor, names: Sequence[str] = ()
) -> Any:
    """Scores rows int32 [B, M] block by block, to bound memory.

    Args:
        score: From rows int32 [B, block] to float32 [B, block], or several by name.
        rows: The rows.
        names: What there is by name, if anything.

    Returns:
        float32 [B, M], or several by name.
    """
    batch_size, num_rows = tf.unstack(tf.shape(rows))
    of_each_task = tf.maximum(_BLOCK // tf.maximum(batch_size, 1), _MIN_BLOCK)
    block = tf.clip_by_value(num_rows, 1, of_each_task)
    num_blocks = tf.math.floordiv(num_rows + block - 1, block)
    padded = tf.pad(rows, [[0, 0], [0, num_blocks * block - num_rows]])
    blocks = tf.reshape(padded, [batch_size, num_blocks, block])
    of_block = tf.TensorSpec([None, None], tf.float32)
    scores = tf.map_fn(
        tf.autograph.experimental.do_not_convert(score),  # There is nothing to convert.
        tf.transpose(blocks, [1, 0, 2]),
        fn_output_signature=dict.fromkeys(names, of_block) if names else of_block,
        parallel_iterations=1,
    )  # [num_blocks, B, block]

    def flat(values: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.transpose(values, [1, 0, 2]), [batch_size, -1])

    return tf.nest.map_structure(lambda values: flat(values)[:, :num_rows], scores)
