"""Whether and how often the very item that is asked for was clicked in a task."""

from __future__ import annotations

from models.factors.folded_user import FoldedUser, last_nonzero
from models.legacy_keras import tf

# Clicks of a task whose items are known one by one, the last ones.
NUM_KEPT = 128


def kept_clicks(rows: tf.Tensor, is_click: tf.Tensor) -> tf.Tensor:
    """Returns the rows of the items that were clicked last, float32 [B, NUM_KEPT].

    Args:
        rows: int32 [B, S], of the items of support pairs; below 2 ** 24.
        is_click: bool [B, S]; the others are negatives or padding.
    """
    return last_nonzero(tf.where(is_click, tf.cast(rows, tf.float32), 0.0), NUM_KEPT)


def repeats_of(user: FoldedUser, rows: tf.Tensor) -> tf.Tensor:
    """Returns 1 for items that were clicked, float32 [B, S], else 0.

    The unknown item was not.

    Args:
        user: Of each task.
        rows: int32 [B, S].
    """
    return tf.cast(tf.reduce_any(_is_same(user, rows), axis=-1), tf.float32)


def counts_of(user: FoldedUser, rows: tf.Tensor) -> tf.Tensor:
    """Returns how often items were clicked, float32 [B, S].

    The unknown item never was.

    Args:
        user: Of each task.
        rows: int32 [B, S].
    """
    return tf.reduce_sum(tf.cast(_is_same(user, rows), tf.float32), axis=-1)


def _is_same(user: FoldedUser, rows: tf.Tensor) -> tf.Tensor:
    """Returns whether an item is that of a click, bool [B, S, NUM_KEPT]."""
    asked = tf.cast(tf.expand_dims(rows, -1), tf.float32)
    return (asked == tf.expand_dims(user.clicked, 1)) & (asked > 0.0)


def repeats_of_all(user: FoldedUser, num_rows: tf.Tensor) -> tf.Tensor:
    """Returns 1 for each item that was clicked, float32 [B, num_rows], else 0.

    Args:
        user: Of each task.
        num_rows: Rows of the table of items, all that there are or none.
    """
    rows = tf.cast(user.clicked, tf.int32)
    rows = tf.where((rows > 0) & (rows < num_rows), rows, 0)
    num_tasks = tf.shape(rows)[0]
    tasks = tf.broadcast_to(tf.expand_dims(tf.range(num_tasks), 1), tf.shape(rows))
    counts = tf.scatter_nd(
        tf.stack([tasks, rows], axis=-1),
        tf.cast(rows > 0, tf.float32),
        [num_tasks, tf.maximum(num_rows, 1)],
    )
    return tf.minimum(tf.gather(counts, tf.range(num_rows), axis=1), 1.0)
