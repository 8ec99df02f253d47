"""Alternating least squares, the plain way."""

import itertools
from typing import ClassVar

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.baselines.ratings.baseline import Grid
from models.baselines.ratings.bias_ridge import fit_biases
from models.baselines.ratings.item_matrix import FoldedFactors, pair_matrix, solve_ridge
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State

_BIAS_L2 = 3.0  # Of item biases, in pairs; their choice hardly matters.
_INITIAL_SPREAD = 0.1  # Of the random factors, in deviations of labels.


class ALS(FoldedFactors):
    """Scores a pair with item mean + user bias + item factors . user factors.

    The penalty of a vector grows with the number of its pairs. User vectors of a bias
    and factors are solved for in closed form, those of new users too. A task without
    support has the user vector zero, an item without training pairs no factors.

    Args:
        rank: Number of factors beside the user bias, at least 1.
        l2: Penalty of squared factors per pair, above 0.
        num_iterations: Sweeps over users and items, at least 1.
        seed: Seed of the initial factors.

    Raises:
        ValueError: If an argument is too small.

    Source:
        Zhou et al., "Large-scale Parallel Collaborative Filtering for the Netflix
        Prize" (AAIM 2008), section 3. Deviation: item means are fitted beforehand, and
        one unit of the user vector is a bias.
    """

    GRID: ClassVar[Grid] = {"rank": (8, 16, 32), "l2": (0.05, 0.08, 0.12)}

    def __init__(
        self,
        *,
        rank: int = 16,
        l2: float = 0.08,
        num_iterations: int = 10,
        seed: int = 0,
    ) -> None:
        if rank < 1 or num_iterations < 1 or not l2 > 0.0:
            raise ValueError(
                "rank and num_iterations must be at least 1 and l2 above 0, "
                f"got {rank}, {num_iterations} and {l2}."
            )
        super().__init__(rank)
        self.rank = rank
        self.l2 = l2
        self.num_iterations = num_iterations
        self.seed = seed

    def fit(self, pairs: LabelledPairs) -> None:
        """Fits item means, then item factors.

        Raises:
            ValueError: If no pair has a known item.
        """
        known = pairs.with_known_items()
        biases = fit_biases(known, item_l2=_BIAS_L2, user_l2=_BIAS_L2)
        item_mean = biases.mean + biases.item
        residual = pair_matrix(known, known.label - item_mean[known.item])
        present = pair_matrix(known, np.ones(known.label.shape))
        self.item_mean.assign(item_mean)
        self.item_factors.assign(self._fit_factors(residual, present))

    def adapt(self, support: Episode) -> State:
        """Returns the user vector of each task, float32 [B, 1 + rank]."""
        mask = support["support_mask"]
        # The first of the factors is 1, for the user bias.
        factors, residual = self.look_up(support)
        factors = tf.ensure_shape(factors, [None, None, self.rank + 1])
        # A penalty that grows with the pairs is one of their mean error.
        num_pairs = tf.reduce_sum(tf.cast(mask, tf.float32), axis=1, keepdims=True)
        share = tf.math.rsqrt(tf.maximum(num_pairs, 1.0))  # [B, 1]
        return solve_ridge(
            factors * share[..., tf.newaxis], residual * share, mask, self.l2
        )

    def _fit_factors(
        self, residual: scipy.sparse.csr_matrix, present: scipy.sparse.csr_matrix
    ) -> NDArray[np.float64]:
        """Alternates the two sides, [num_items + 1, 1 + rank]."""
        rng = np.random.default_rng(self.seed)
        shape = (present.shape[1], self.rank)
        items = rng.normal(scale=_INITIAL_SPREAD, size=shape)
        ones = np.ones([present.shape[1], 1])
        present_of_items = present.T.tocsr()
        for _ in range(self.num_iterations):
            factors = np.hstack([ones, items])
            users = _solve_side(residual @ factors, present, factors, self.l2)
            bias, users = users[:, :1], users[:, 1:]
            projected = residual.T @ users - present_of_items @ (bias * users)
            items = _solve_side(projected, present_of_items, users, self.l2)
        return np.hstack([ones, items])


def _solve_side(
    projected: NDArray[np.float64],
    present: scipy.sparse.csr_matrix,
    partners: NDArray[np.float64],
    l2: float,
) -> NDArray[np.float64]:
    """Ridge regression of each row on the vectors of its partners.

    Args:
        projected: [N, K], labels times vectors, summed over the partners.
        present: [N, M], 1 where a row and a partner are a pair.
        partners: [M, K], their vectors.
        l2: Penalty per pair.

    Returns:
        [N, K]; zeros for a row without pairs.
    """
    ridge = l2 * np.eye(partners.shape[1])
    solved = np.zeros_like(projected)
    for row, (start, end) in enumerate(itertools.pairwise(present.indptr)):
        if start < end:  # One row at a time: all squares at once fill the memory.
            of_row = partners[present.indices[start:end]]
            gram = of_row.T @ of_row + (end - start) * ridge
            solved[row] = np.linalg.solve(gram, projected[row])
    return solved
