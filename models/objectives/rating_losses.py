"""Losses over padded query sets."""

from models.legacy_keras import tf


def masked_squared_error(
    labels: tf.Tensor, scores: tf.Tensor, query_mask: tf.Tensor
) -> tf.Tensor:
    """Mean squared error over the real query pairs of a batch.

    Args:
        labels: float32 [B, Q].
        scores: float32 [B, Q].
        query_mask: bool [B, Q], False for padding.

    Returns:
        float32 scalar; 0 if there is no real pair.

    Source:
        CMML (arXiv:2108.10511) Eq. 5.
    """
    weights = tf.cast(query_mask, scores.dtype)
    squared = tf.square(scores - labels) * weights
    return tf.math.divide_no_nan(tf.reduce_sum(squared), tf.reduce_sum(weights))


def masked_absolute_error(
    labels: tf.Tensor, scores: tf.Tensor, query_mask: tf.Tensor
) -> tf.Tensor:
    """Mean absolute error over the real query pairs, arguments as above.

    Its best score is the median of the labels to be expected, not the mean: better by
    MAE, worse by RMSE.
    """
    weights = tf.cast(query_mask, scores.dtype)
    absolute = tf.abs(scores - labels) * weights
    return tf.math.divide_no_nan(tf.reduce_sum(absolute), tf.reduce_sum(weights))


LOSSES = {"squared": masked_squared_error, "absolute": masked_absolute_error}


def task_absolute_error(
    labels: tf.Tensor, scores: tf.Tensor, query_mask: tf.Tensor
) -> tf.Tensor:
    """Mean absolute error of each task, float32 [B], arguments as above."""
    weights = tf.cast(query_mask, scores.dtype)
    absolute = tf.abs(scores - labels) * weights
    return tf.math.divide_no_nan(
        tf.reduce_sum(absolute, axis=-1), tf.reduce_sum(weights, axis=-1)
    )
