"""What is known of a user after the support set."""

from typing import NamedTuple

from models.legacy_keras import tf


class FoldedUser(NamedTuple):
    """What is known of the user of each task after the support set.

    Attributes:
        vector: float32 [B, K], posterior mean of the user factors.
        covariance: float32 [B, K * K], posterior covariance, row by row.
        facts: float32 [B, T], of the support set: shares of label levels, log of 1 +
            its size, and what the labels are about what the other pairs say of them.
        clicked: float32 [B, N], rows of the last items that were clicked, the last one
            behind; 0 where there are fewer.
    """

    vector: tf.Tensor
    covariance: tf.Tensor
    facts: tf.Tensor
    clicked: tf.Tensor


def nothing_known(num_users: tf.Tensor) -> FoldedUser:
    """Returns users of whom nothing is solved, all widths being 0.

    Args:
        num_users: B.
    """
    nothing = tf.zeros([num_users, 0])
    return FoldedUser(nothing, nothing, nothing, nothing)


def last_nonzero(rows: tf.Tensor, num_kept: int) -> tf.Tensor:
    """Returns the last rows that are not 0, float32 [B, N].

    Args:
        rows: float32 [B, S], 0 where nothing was clicked.
        num_kept: N, above 0.
    """
    rows = tf.pad(rows, [[0, 0], [num_kept, 0]])
    order = tf.argsort(tf.cast(rows > 0.0, tf.int32), axis=1, stable=True)
    return tf.gather(rows, order[:, -num_kept:], batch_dims=1)


def put_together(before: FoldedUser, after: FoldedUser) -> FoldedUser:
    """Returns what is known after two support sets: sums, and the last clicks of both.

    Args:
        before: After the first one.
        after: After the second one alone, of the same widths.
    """
    clicked, num_kept = before.clicked, before.clicked.shape[-1]
    if num_kept:
        both = tf.concat([clicked, after.clicked], axis=1)
        clicked = last_nonzero(both, num_kept)
    sums = map(tf.add, before[:-1], after[:-1])
    return FoldedUser._make([*sums, clicked])
