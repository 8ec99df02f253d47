"""What label to expect of a pair before CMML says more: a constant, or factors."""

import numpy as np

from models.gaussian_factors import GaussianFactors, fit_gaussian_factors
from models.labelled_pairs import LabelledPairs
from models.legacy_keras import tf
from models.ridge import solve_ridge

_NUM_FOLDS = 4
_NUM_ITERATIONS = 15


class ConstantPrior(tf.Module):
    """Expects the mean label of every pair, whatever the support set.

    With it CMML is the model of the paper. It has the calls of `FactorPrior`.

    Args:
        label_mean: Mean meta-train label.
    """

    pair_dim = 0
    num_evidence = 0

    def __init__(self, label_mean: float) -> None:
        super().__init__(name="constant_prior")
        self.label_mean = label_mean

    def fit(self, pairs: LabelledPairs, *, seed: int) -> None:
        """Does nothing: there is nothing to fit."""

    def units(
        self, users: tf.Tensor, items: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Returns float32 [..., 0]."""
        return tf.zeros(tf.concat([tf.shape(items), [0]], axis=0))

    def solve(
        self, units: tf.Tensor, labels: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Returns float32 [B, 0]."""
        return tf.zeros([tf.shape(units)[0], 0])

    def expect(self, vector: tf.Tensor, units: tf.Tensor) -> tf.Tensor:
        """Returns the mean label for every pair, float32 [B, Q]."""
        return tf.fill(tf.shape(units)[:-1], self.label_mean)


class FactorPrior(tf.Module):
    """Expects of a pair what collaborative filtering does, solved in closed form.

    The label of a pair is a mean and bias of the item plus the product of K item
    factors with K user factors. Item factors are fitted once to meta-train; the user
    factors of a task are the posterior mean given its support set, a ridge regression
    of K unknowns, so that adaptation is still one forward pass. CMML learns what is
    left: what features tell, and what is not linear.

    In training, the factors of an item are those of a fit without the user they meet,
    since a fit that has seen the label to be predicted promises too much.

    Args:
        num_users: Rows of the user table, the unknown row not counted.
        num_items: Rows of the item table, the unknown row not counted.
        rank: Latent factors beside the bias of the user; K = 1 + rank.

    Raises:
        ValueError: If the rank is negative.
    """

    num_evidence = 1

    def __init__(self, num_users: int, num_items: int, *, rank: int) -> None:
        super().__init__(name="factor_prior")
        if rank < 0:
            raise ValueError(f"rank must be at least 0, got {rank}.")
        self.rank = rank
        self.pair_dim = rank + 2
        shape = [_NUM_FOLDS + 1, num_items + 1, self.pair_dim]
        # K factors and the expected label of an average user, by fold and item row.
        self.table = tf.Variable(tf.zeros(shape), trainable=False, name="table")
        self.noise_variance = tf.Variable(1.0, trainable=False, name="noise_variance")
        self.fold_of_user = tf.Variable(
            tf.fill([num_users + 1], _NUM_FOLDS), trainable=False, name="fold_of_user"
        )

    def fit(self, pairs: LabelledPairs, *, seed: int) -> None:
        """Fits item factors to all meta-train pairs, and to all but each fold of users.

        Args:
            pairs: The meta-train pairs.
            seed: Seed of the folds and of the initial factors.
        """
        rng = np.random.default_rng(seed)
        folds = np.full(pairs.num_users + 1, _NUM_FOLDS, np.int32)
        users = np.unique(pairs.user)
        # Shuffled and dealt out, so that no fold of a few users is empty.
        folds[rng.permutation(users)] = np.arange(len(users)) % _NUM_FOLDS
        fits = []
        for fold in range(_NUM_FOLDS + 1):
            others = (
                pairs.subset(folds[pairs.user] != fold) if fold < _NUM_FOLDS else pairs
            )
            fits.append(
                fit_gaussian_factors(
                    others, rank=self.rank, num_iterations=_NUM_ITERATIONS, seed=seed
                )
            )
        self.table.assign(np.stack([_as_table(fitted) for fitted in fits]))
        self.noise_variance.assign(fits[-1].noise_variance)
        self.fold_of_user.assign(folds)

    def units(
        self, users: tf.Tensor, items: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Looks up what the prior knows of each pair.

        Args:
            users: int32 [...], rows of the user table.
            items: int32 [...], rows of the item table.
            training: Whether to use the fit that has not seen the user.

        Returns:
            float32 [..., pair_dim]: K factors of the item, and its expected label.
        """
        if not training:
            return tf.gather(self.table[_NUM_FOLDS], items)
        folds = tf.gather(self.fold_of_user, users)
        return tf.gather_nd(self.table, tf.stack([folds, items], axis=-1))

    def solve(
        self, units: tf.Tensor, labels: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Solves for the user factors of each task.

        Args:
            units: float32 [B, S, pair_dim], of the support pairs.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.

        Returns:
            float32 [B, K], zeros for a task without support.
        """
        residual = labels - units[..., -1]
        return solve_ridge(units[..., :-1], residual, support_mask, self.noise_variance)

    def expect(self, vector: tf.Tensor, units: tf.Tensor) -> tf.Tensor:
        """Expects the label of each query pair.

        Args:
            vector: float32 [B, K], user factors.
            units: float32 [B, Q, pair_dim].

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        return units[..., -1] + tf.linalg.matvec(units[..., :-1], vector)


def _as_table(fitted: GaussianFactors) -> np.ndarray:
    expected = fitted.label_mean + fitted.item_bias
    table = np.concatenate([fitted.item_factors, expected[:, np.newaxis]], axis=1)
    return table.astype(np.float32)
