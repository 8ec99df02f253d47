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
    """

    vector: tf.Tensor
    covariance: tf.Tensor
    facts: tf.Tensor


def nothing_known(num_users: tf.Tensor) -> FoldedUser:
    """Returns users of whom nothing is solved, all widths being 0.

    Args:
        num_users: B.
    """
    nothing = tf.zeros([num_users, 0])
    return FoldedUser(nothing, nothing, nothing)
