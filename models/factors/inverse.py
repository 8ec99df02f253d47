"""The inverse of a covariance in units of the noise, by products of matrices alone."""

import numpy as np

from models.legacy_keras import tf

_MOST = 2.0**16  # Up to which largest eigenvalue the steps below are enough.
_STEEPEST = 1.875  # Keeps eigenvalues away from 2, beyond which steps diverge.
_WIDEST = 32  # Of a block; steps cost more than elimination if it is wider.


def inverse_above_identity(matrix: tf.Tensor) -> tf.Tensor:
    """Inverts symmetric matrices whose eigenvalues are all at least 1.

    An op that inverts matrices is not to be had outside of TensorFlow. Each step is two
    products, X <- s X (2I - A X), after which an eigenvalue t of A X is s t (2 - t); as
    none of A is below 1, the s by which all of them come near 1 soonest are known
    beforehand, and a few steps do whatever the matrix.

    Args:
        matrix: float32 [..., K, K], eigenvalues up to 65,000; the inverse is less exact
            beyond, in directions where an eigenvalue is small.

    Returns:
        float32 [..., K, K].

    Source:
        Pan and Schreiber, SIAM J. Sci. Stat. Comput. 12 (1991), section 3. Deviation:
        the first s are a little smaller, for rounding.
    """
    width = matrix.shape[-1]
    if width <= _WIDEST:
        return _by_steps(matrix)
    half = width // 2
    first, across = matrix[..., :half, :half], matrix[..., :half, half:]
    of_first = inverse_above_identity(first)
    weights = of_first @ across
    weights += of_first @ (across - first @ weights)  # Else rounding adds up.
    rest = matrix[..., half:, half:] - tf.matmul(across, weights, transpose_a=True)
    of_rest = inverse_above_identity(rest)
    corner = weights @ of_rest
    of_first += tf.matmul(corner, weights, transpose_b=True)
    rows = [of_first, -corner], [-tf.linalg.matrix_transpose(corner), of_rest]
    return tf.concat([tf.concat(row, axis=-1) for row in rows], axis=-2)


def _by_steps(matrix: tf.Tensor) -> tf.Tensor:
    eye = np.eye(matrix.shape[-1], dtype=np.float32)
    row_sums = tf.reduce_sum(tf.abs(matrix), axis=-1, keepdims=True)
    below = 1.0 / tf.reduce_max(row_sums, axis=-2, keepdims=True)  # A / largest <= 1.
    first, *others = _STEPS
    inverse = (first * below) * (2.0 * eye - below * matrix)
    for twice in others:
        inverse @= twice * eye - matrix @ inverse
    return inverse


def _steps() -> list[float]:
    """Returns the factor of the first step, and 2 s of others as they are taken.

    What is carried along is g X, with a g of each step for which s (g X) (2I - A X)
    takes no multiplication by s: g (next) = g ** 2 / s, and 1 after the last one.
    """
    low, high, scales = 1.0 / _MOST, 1.0, []
    while True:
        lowest = min(low * (2.0 - low), high * (2.0 - high))
        if 1.0 - lowest < 1e-7:
            scales.append(1.0)
            break
        high = min(2.0 / (1.0 + lowest), _STEEPEST)
        low = high * lowest
        scales.append(high)
    carried = [1.0]
    for scale in reversed(scales[1:]):
        carried.append((scale * carried[-1]) ** 0.5)
    carried.reverse()
    return [scales[0] * carried[0], *(2.0 * g for g in carried[:-1])]


_STEPS = _steps()
