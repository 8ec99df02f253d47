"""A Gaussian process over items, whose kernel is learnt from meta-train users."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh

from models.baselines.ratings.baseline import Grid
from models.baselines.ratings.bias_ridge import fit_biases
from models.baselines.ratings.item_matrix import (
    check_num_items,
    entries,
    matrix_variable,
    means_variable,
    pair_matrix,
)
from models.baselines.ratings.shrinkage import check_strength
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State

Matrix = NDArray[np.float32]

_BIAS_L2 = 3.0  # Of item and user biases, in pairs.
_MIN_VARIANCE = 1e-3  # Keeps every matrix invertible where labels do not vary.


class ItemKernel(tf.Module):
    """Scores a pair with item mean + the taste that support labels let expect.

    The tastes of a user for all items are a Gaussian vector of mean 0 whose covariance
    K, the kernel, comes from meta-train; a label is item mean + taste + noise. Given a
    support set S of residuals r the taste for item q is
    K[q, S] (K[S, S] + noise I)^-1 r. A task without support has no taste. The taste for
    an item without training pairs is about the user bias.

    The kernel is the covariance of the residuals of two items over the users who rated
    both, pulled towards the variance of user biases where these are few. Its largest
    eigenvalues are kept: that makes it positive, and takes chance out of it.

    Args:
        shrinkage: Users with the user bias in common alone that are added to those of
            two items, above 0.
        rank: Eigenvalues that are kept, at least 1.

    Raises:
        ValueError: If an argument is too small.

    Source:
        Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006),
        section 2.2, for the regression.
    """

    GRID: ClassVar[Grid] = {"shrinkage": (30.0, 100.0), "rank": (32, 64)}

    def __init__(
        self,
        *,
        shrinkage: float = 100.0,
        rank: int = 64,
    ) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank must be at least 1, got {rank}.")
        self.shrinkage = check_strength("shrinkage", shrinkage)
        self.rank = rank
        self.item_mean = means_variable()  # Mean + item bias.
        self.kernel = matrix_variable("kernel")
        self.noise_variance = tf.Variable(1.0, trainable=False, name="noise_variance")

    def fit(self, pairs: LabelledPairs) -> None:
        """Fits item means, then the kernel and the variance of the noise.

        Raises:
            DataError: If there are too many items for a square matrix.
            ValueError: If no pair has a known item.
        """
        check_num_items("item_kernel", pairs.num_items)
        known = pairs.with_known_items()
        biases = fit_biases(known, item_l2=_BIAS_L2, user_l2=_BIAS_L2)
        item_mean = biases.mean + biases.item
        residual = known.label - item_mean[known.item]
        of_bias = float(np.var(biases.user[np.unique(known.user)]))
        covariance = _covariance(known, residual, of_bias, self.shrinkage)
        kernel = _positive_part(covariance, self.rank)
        noise = np.mean(residual**2) - np.mean(kernel.diagonal()[known.item])
        self.item_mean.assign(item_mean)
        self.kernel.assign(kernel)
        self.noise_variance.assign(max(float(noise), _MIN_VARIANCE))

    def adapt(self, support: Episode) -> State:
        """Returns the support items and what each adds to a taste, both [B, S]."""
        item, mask = support["support_item"], support["support_mask"]
        residual = support["support_label"] - tf.gather(self.item_mean, item)
        residual = tf.where(mask, residual, 0.0)[..., tf.newaxis]  # [B, S, 1]
        is_pair = mask[:, :, tf.newaxis] & mask[:, tf.newaxis, :]
        covariance = tf.where(is_pair, entries(self.kernel, item, item), 0.0)
        covariance += self.noise_variance * tf.eye(tf.shape(item)[1])  # [B, S, S]
        weights = tf.linalg.cholesky_solve(tf.linalg.cholesky(covariance), residual)
        return item, tf.squeeze(weights, axis=-1)

    def score(self, state: State, query: Episode) -> tf.Tensor:
        """Returns item mean + taste, float32 [B, Q]."""
        support_item, weights = state
        item = query["query_item"]
        taste = tf.linalg.matvec(entries(self.kernel, item, support_item), weights)
        return tf.gather(self.item_mean, item) + taste


def _covariance(
    pairs: LabelledPairs,
    residual: NDArray[np.floating],
    of_bias: float,
    shrinkage: float,
) -> Matrix:
    """Shrunk covariance of each two items, [num_items + 1, num_items + 1]."""
    values = pair_matrix(pairs, residual.astype(np.float32))
    rated = pair_matrix(pairs, np.ones(residual.shape, np.float32))
    products: Matrix = (values.T @ values).toarray()
    counts: Matrix = (rated.T @ rated).toarray()
    return (products + np.float32(shrinkage * of_bias)) / (
        counts + np.float32(shrinkage)
    )


def _positive_part(covariance: Matrix, rank: int) -> Matrix:
    """Keeps the largest eigenvalues of a symmetric matrix, none below 0."""
    if rank < len(covariance) - 1:
        start = np.ones(len(covariance), np.float32)  # Else drawn by chance.
        values, vectors = eigsh(covariance, k=rank, which="LA", v0=start)
    else:
        values, vectors = np.linalg.eigh(covariance)
    kept: Matrix = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return kept.astype(np.float32)
