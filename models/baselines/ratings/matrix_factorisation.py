"""Latent factors of items, to which a new user is folded in."""

from typing import ClassVar

import numpy as np

from models.baselines.ratings.baseline import Grid
from models.baselines.ratings.item_matrix import FoldedFactors, solve_ridge
from models.factors.entity_design import no_features
from models.factors.full_rank import fit_full_rank
from models.factors.gaussian_factors import fit_gaussian_factors
from models.factors.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.recommender import Episode, State


class MatrixFactorisation(FoldedFactors):
    """Scores a pair with item mean + item factors . user vector.

    Item factors come from the training pairs; the user vector, of a bias and latent
    factors, is the ridge regression of the support labels on them, solved in closed
    form. A task without support has the user vector zero, an item without meta-train
    pairs the factors of the average item.

    Args:
        rank: Number of latent factors beside the user bias, at least 1. No more are
            fitted than there are items.
        full_rank_items: At most so many items have factors of full rank instead, at
            least 0.
        num_iterations: Sweeps of alternating least squares, at least 1.
        seed: Seed of the initial factors.

    Raises:
        ValueError: If `rank` or `num_iterations` is below 1, or `full_rank_items`
            below 0.
    """

    GRID: ClassVar[Grid] = {"rank": (8, 16, 24)}

    def __init__(
        self,
        *,
        rank: int = 16,
        full_rank_items: int = 128,
        num_iterations: int = 15,
        seed: int = 0,
    ) -> None:
        if rank < 1 or num_iterations < 1:
            raise ValueError(
                "rank and num_iterations must be at least 1, "
                f"got {rank} and {num_iterations}."
            )
        if full_rank_items < 0:
            raise ValueError(
                f"full_rank_items must be at least 0, got {full_rank_items}."
            )
        super().__init__(rank)
        self.rank = rank
        self.full_rank_items = full_rank_items
        self.num_iterations = num_iterations
        self.seed = seed
        self.user_l2 = tf.Variable(1.0, trainable=False, name="user_l2")

    def fit(self, pairs: LabelledPairs) -> None:
        """Fits the item factors and the penalty of user vectors.

        Raises:
            ValueError: If no pair has a known item.
        """
        rank = max(1, min(self.rank, pairs.num_items))
        fitted = fit_gaussian_factors(
            pairs, rank=rank, num_iterations=self.num_iterations, seed=self.seed
        )
        if pairs.num_items <= self.full_rank_items:
            users = no_features(pairs.num_users + 1)
            fitted = fit_full_rank(fitted, pairs, users)
        self.item_mean.assign(fitted.item_label)
        # User vectors become standard normal, whose ridge penalty is the noise.
        scale = np.linalg.cholesky(fitted.user_covariance)
        self.item_factors.assign(fitted.item_factors @ scale)
        self.user_l2.assign(fitted.noise_variance[0])

    def adapt(self, support: Episode) -> State:
        """Returns the user vector of each task, float32 [B, D]."""
        return solve_ridge(
            *self.look_up(support), support["support_mask"], self.user_l2
        )
