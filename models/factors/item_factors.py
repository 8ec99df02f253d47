"""Item factors of collaborative filtering, to which a new user is folded in."""

import numpy as np
from numpy.typing import NDArray

from models.factors.gaussian_factors import fit_gaussian_factors
from models.factors.labelled_pairs import LabelledPairs
from models.factors.ridge import solve_ridge
from models.legacy_keras import tf

_NUM_FOLDS = 4
_NUM_ITERATIONS = 15


class NoFactors(tf.Module):
    """Stands in for `ItemFactors` where nothing is made beforehand: factors of width 0.

    It has no `expect`: without factors there is no prior to ask.
    """

    width = 0
    num_factors = 0

    def __init__(self) -> None:
        super().__init__(name="no_factors")

    def fit(self, pairs: LabelledPairs, *, seed: int) -> None:
        """Does nothing: there is nothing to fit."""

    def look_up(
        self, users: tf.Tensor, items: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Returns float32 [..., 0]."""
        return tf.zeros(tf.concat([tf.shape(items), [0]], axis=0))

    def solve(
        self, factors: tf.Tensor, labels: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Returns float32 [B, 0]."""
        return tf.zeros([tf.shape(factors)[0], 0])


class ItemFactors(tf.Module):
    """Fits items to vectors beforehand, and folds users in, in closed form.

    The label of a pair is a mean and bias of the item plus the product of K item
    factors with K user factors. Item factors are fitted once to meta-train; the user
    factors of a task are the posterior mean given its support set, a ridge regression
    of K unknowns, so that adaptation is still one forward pass.

    In training, the factors of an item are those of a fit without the user they meet,
    since a fit that has seen the label to be predicted promises too much. The fits are
    turned to agree with the whole one, so that one factor means the same in all of
    them; the turn and the variance of the noise are all they take from the whole.

    Args:
        num_users: Rows of the user table, the unknown row not counted.
        num_items: Rows of the item table, the unknown row not counted.
        rank: Latent factors beside the bias of the user; K = 1 + rank.

    Attributes:
        num_factors: K, factors of a user.
        width: K + 1, what is looked up of a pair: K factors of the item, and the label
            that an average user is expected to give it.

    Raises:
        ValueError: If the rank is negative.
    """

    def __init__(self, num_users: int, num_items: int, *, rank: int) -> None:
        super().__init__(name="item_factors")
        if rank < 0:
            raise ValueError(f"rank must be at least 0, got {rank}.")
        self.rank = rank
        self.num_factors = rank + 1
        self.width = rank + 2
        shape = [_NUM_FOLDS + 1, num_items + 1, self.width]
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
        factors = [align(f.item_factors, fits[-1].item_factors) for f in fits]
        expected = [(f.label_mean + f.item_bias)[:, np.newaxis] for f in fits]
        self.table.assign(np.concatenate([factors, expected], axis=-1))
        self.noise_variance.assign(fits[-1].noise_variance)
        self.fold_of_user.assign(folds)

    def look_up(
        self, users: tf.Tensor, items: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Looks up what collaborative filtering knows of each pair.

        Args:
            users: int32 [...], rows of the user table.
            items: int32 [...], rows of the item table.
            training: Whether to use the fit that has not seen the user.

        Returns:
            float32 [..., width]: K factors of the item, and its expected label.
        """
        if not training:
            return tf.gather(self.table[_NUM_FOLDS], items)
        folds = tf.gather(self.fold_of_user, users)
        return tf.gather_nd(self.table, tf.stack([folds, items], axis=-1))

    def solve(
        self, factors: tf.Tensor, labels: tf.Tensor, support_mask: tf.Tensor
    ) -> tf.Tensor:
        """Solves for the user factors of each task.

        Args:
            factors: float32 [B, S, width], of the support pairs.
            labels: float32 [B, S], in the unit of the data set.
            support_mask: bool [B, S], False for padding.

        Returns:
            float32 [B, K], zeros for a task without support.
        """
        residual = labels - factors[..., -1]
        return solve_ridge(
            factors[..., :-1], residual, support_mask, self.noise_variance
        )

    def expect(self, user_factors: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
        """Expects the label of each query pair.

        Args:
            user_factors: float32 [B, K].
            factors: float32 [B, Q, width].

        Returns:
            float32 [B, Q], in the unit of the labels.
        """
        return factors[..., -1] + tf.linalg.matvec(factors[..., :-1], user_factors)


def align(
    factors: NDArray[np.floating], reference: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Turns the factors of one fit to agree with those of another.

    A fit is as good turned by any rotation or reflection, since user factors turn with
    it; so factors of two fits can be compared only after this.

    Args:
        factors: float [N, K].
        reference: float [N, K].

    Returns:
        float [N, K], `factors` times the orthogonal matrix that brings it nearest to
        `reference`.

    Source:
        Schoenemann, "A generalized solution of the orthogonal Procrustes problem"
        (1966).
    """
    left, _, right = np.linalg.svd(factors.T @ reference)
    return factors @ (left @ right)
