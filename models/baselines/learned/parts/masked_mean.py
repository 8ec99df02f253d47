"""The mean over the real pairs of each support set."""

from models.legacy_keras import tf


def masked_mean(vectors: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Returns the mean over real pairs.

    Args:
        vectors: float32 [B, S, E].
        mask: bool [B, S], False for padding.

    Returns:
        float32 [B, E]; 0 for a task without real pairs.
    """
    weights = tf.cast(mask, vectors.dtype)[..., tf.newaxis]
    return tf.math.divide_no_nan(
        tf.reduce_sum(vectors * weights, axis=1), tf.reduce_sum(weights, axis=1)
    )
