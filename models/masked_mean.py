"""The mean of what is there, without padding."""

from collections.abc import Sequence

from models.legacy_keras import tf


def masked_mean(
    values: tf.Tensor, mask: tf.Tensor, axis: int | Sequence[int] | None = None
) -> tf.Tensor:
    """Returns the mean over real places, 0 where there are none.

    Args:
        values: float32 of any shape.
        mask: bool, of a shape that broadcasts to it, False for padding; as long where
            the mean is taken.
        axis: What the mean is taken over; all if None.
    """
    weights = tf.cast(mask, values.dtype)
    return tf.math.divide_no_nan(
        tf.reduce_sum(values * weights, axis=axis), tf.reduce_sum(weights, axis=axis)
    )
