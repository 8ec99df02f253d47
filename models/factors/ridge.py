"""Ridge regression of many tasks at once, in closed form."""

from models.legacy_keras import tf


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
