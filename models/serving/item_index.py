"""Where in a large catalogue the items of the highest prior are likely to be."""

import numpy as np
from numpy.typing import NDArray

from models.legacy_keras import tf
from transforms.schema import UNKNOWN

_BLOCK = 256  # Items of a block.
_SAMPLE = 4096  # Items that tell in which direction to halve a set of them.
_LEAN = 2.0  # Standard deviations above its mean that a block may hold an item.


class ItemIndex(tf.Module):
    """Items in blocks of alike ones, of which only the most promising are looked at.

    The score of an item is the product of its vector with that of the query. Items are
    halved by the direction in which their vectors differ most, again and again, to
    blocks of one size. A block promises the score of its mean vector and a few standard
    deviations more, so that a search costs no more with many items than with some.

    Args:
        vectors: float32 [N, D], one an item.
        rows: int32 [N], the row of each item.
        num_searched: Items that a search looks at, about.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        rows: NDArray[np.int32],
        *,
        num_searched: int,
    ) -> None:
        super().__init__(name="item_index")
        blocks = _alike(vectors)
        padded = np.full([len(blocks), _BLOCK], UNKNOWN, np.int32)
        for block, members in zip(padded, blocks, strict=True):
            block[: len(members)] = rows[members]
        self._rows = _constant(padded)
        self._mean = _constant([vectors[block].mean(axis=0) for block in blocks])
        self._variance = _constant([vectors[block].var(axis=0) for block in blocks])
        self._num_blocks = min(-(-num_searched // _BLOCK), len(blocks))
        self.num_searched = self._num_blocks * _BLOCK

    def search(self, query: tf.Tensor) -> tf.Tensor:
        """Finds items that are likely to have the highest scores.

        Args:
            query: float32 [B, D].

        Returns:
            int32 [B, num_searched], rows in any order, with unknown ones between.
        """
        mean = tf.matmul(query, self._mean, transpose_b=True)
        variance = tf.matmul(tf.square(query), self._variance, transpose_b=True)
        promise = mean + _LEAN * tf.sqrt(variance)
        best = tf.math.top_k(promise, self._num_blocks, sorted=False).indices
        found = tf.gather(self._rows, best)
        return tf.reshape(found, [-1, self.num_searched])


def _alike(vectors: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Parts items into blocks of `_BLOCK`, all full but one."""
    rng = np.random.default_rng(0)
    blocks, parts = [], [np.arange(len(vectors))]
    while parts:
        part = parts.pop()
        if len(part) <= _BLOCK:
            blocks.append(part)
            continue
        of_part = vectors[part]
        sample = of_part[rng.integers(0, len(part), min(_SAMPLE, len(part)))]
        _, directions = np.linalg.eigh(np.atleast_2d(np.cov(sample.T)))
        left = (-(-len(part) // _BLOCK) // 2) * _BLOCK  # Whole blocks.
        order = np.argpartition(of_part @ directions[:, -1], left)
        parts += [part[order[left:]], part[order[:left]]]
    return blocks


def _constant(values: object) -> tf.Variable:
    return tf.Variable(values, trainable=False)
