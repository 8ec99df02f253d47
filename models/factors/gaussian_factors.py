"""Fits user and item factors by alternating least squares that knows its doubts."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.factors.entity_design import EntityDesign, no_features
from models.factors.labelled_pairs import LabelledPairs
from models.factors.pair_blocks import Floats, PairBlock, pair_blocks
from models.factors.posteriors import Prior, Vectors, fit_prior, posterior, unpacked

_ROWS_AT_ONCE = 256  # Whose matrices stay in the cache together.
_INITIAL_SPREAD = 0.1  # Standard deviation of random item factors, without a unit.
_INITIAL_USER_VARIANCE = 0.2  # About that of user biases, in variances of labels.
_MIN_VARIANCE = 1e-6  # In variances of labels: keeps every prior invertible.
USER_PENALTY = 20.0  # Users of mean 0 added to those with each value of a feature.
_ITEM_PENALTY = 5.0  # Items of mean 0 added in the same way.
_FIRST_SWEEPS = 2  # Which find the directions that later ones go on in.
_MOST_FURTHER = 0.5  # Of the noise: what a relaxed sweep takes off it at most.
_NOISE_STRENGTH = 20.0  # Pairs of mean noise added to those of each item.


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianFactors:
    """Fitted factors. D is 1 + rank: a bias and the latent factors of a user.

    Attributes:
        label_mean: Mean label.
        item_bias: float64 [num_items + 1], by item row.
        item_factors: float64 [num_items + 1, D], what a user vector is multiplied by.
        noise_variance: float64 [num_items + 1], of labels about their prediction; the
            same for all items unless it was fitted by item.
        user_mean: float64 [num_users + 1, D], posterior means of user vectors; 0 where
            no pair is seen.
        user_covariance: float64 [D, D], of user vectors about what their features say.
        user_doubt: float64 [D, D], mean posterior covariance of seen users.
        is_user_seen: bool [num_users + 1], whether a user has a pair.
    """

    label_mean: float
    item_bias: Floats
    item_factors: Floats
    noise_variance: Floats
    user_mean: Floats
    user_covariance: Floats
    user_doubt: Floats
    is_user_seen: NDArray[np.bool_]

    @property
    def item_label(self) -> Floats:
        """The label expected of an average user, float64 [num_items + 1]."""
        return self.label_mean + self.item_bias


def fit_gaussian_factors(
    pairs: LabelledPairs,
    *,
    rank: int,
    num_iterations: int,
    seed: int,
    relaxation: float = 0.0,
    item_noise: bool = False,
    users: EntityDesign | None = None,
    items: EntityDesign | None = None,
) -> GaussianFactors:
    """Fits label = label_mean + item_bias + item_factors . user_vector + noise.

    User vectors, item biases with item factors, and noise are Gaussian. As in
    alternating least squares each side is solved for with the other one fixed, but
    fixed with its posterior covariance, so that rarely seen items and users with few
    pairs do not pass for certain. The variances of the priors and of the noise, which
    are the regularisation, are re-estimated on the way and need no tuning. So are the
    prior means, which are linear in the features of users and of items.

    Args:
        pairs: The training pairs. Pairs of the unknown item are left out.
        rank: Number of latent factors beside the bias.
        num_iterations: Sweeps over users and items.
        seed: Seed of the initial factors.
        relaxation: How much further than it would a sweep moves the means of items, as
            a share of the way, and their noise; but for the first two and the last.
        item_noise: Whether each item has a noise of its own.
        users: Features of users; None for none.
        items: Features of items; None for none.

    Returns:
        The factors; an item without pairs has those that its features expect, or those
        of the average item.

    Raises:
        ValueError: If no pair has a known item.

    Source:
        Lim and Teh, "Variational Bayesian approach to movie rating prediction" (2007).
        Deviations: full prior covariances, prior means that are learnt. Relaxation is
        that of Salakhutdinov and Roweis, "Adaptive overrelaxed bound optimization
        methods" (2003), with a fixed step.
    """
    sweeps = _Sweeps(pairs.with_known_items(), rank, users, items, seed, item_noise)
    for number in range(num_iterations):
        is_between = _FIRST_SWEEPS <= number < num_iterations - 1
        sweeps.run(relaxation if is_between else 0.0)
    return sweeps.result()


class _Sweeps:
    """The state of a fit between two sweeps over users and items.

    Vectors of a user and of an item have K = 2 + rank entries: an item bias, which
    multiplies a user entry of exactly 1, a user bias, which an item entry of about 1
    multiplies, and the latent factors.
    """

    def __init__(
        self,
        pairs: LabelledPairs,
        rank: int,
        users: EntityDesign | None,
        items: EntityDesign | None,
        seed: int,
        item_noise: bool,
    ) -> None:
        residual = pairs.label.astype(np.float64)
        self._label_mean = float(residual.mean())
        residual -= self._label_mean
        shape = pairs.num_users + 1, pairs.num_items + 1
        self._blocks = pair_blocks(pairs.user, pairs.item, residual, shape)
        self._seen_users = np.concatenate([block.users for block in self._blocks])
        self._item_counts = np.bincount(pairs.item, minlength=shape[1])
        self._squares: Floats = np.bincount(
            pairs.item, weights=residual**2, minlength=shape[1]
        ).astype(np.float64)
        variance = float(residual.var()) or 1.0
        self._jitter = _MIN_VARIANCE * variance
        self._designs = users or no_features(shape[0]), items or no_features(shape[1])
        self._by_own_noise = item_noise
        self._noise = np.full(shape[1], variance + self._jitter)
        self._items = _initial_items(shape[1], rank, np.random.default_rng(seed))
        self._item_prior = Prior(
            self._items.mean.mean(axis=0),
            np.diag([variance] + [1.0] * (rank + 1)),
        )
        self._user_prior = Prior(
            np.zeros(rank + 1),
            _INITIAL_USER_VARIANCE * variance * np.eye(rank + 1),
        )

    def run(self, relaxation: float) -> None:
        """Solves for users with items fixed, then for items, noise and priors."""
        error = self._solve_items(*self._solve_users(), relaxation)
        noise = self._noise_of(error)
        further = (noise / self._noise) ** relaxation
        self._noise = noise * np.maximum(further, _MOST_FURTHER)
        # What all users share is the bias of items: user vectors are about 0.
        self._user_prior = fit_prior(
            self._user_mean,
            self._user_doubt,
            self._designs[0].matrix,
            self._seen_users,
            0.0,
            penalty=USER_PENALTY,
            jitter=self._jitter,
        )
        seen = np.flatnonzero(self._item_counts)
        self._item_prior = fit_prior(
            self._items.mean,
            self._items.doubt,
            self._designs[1].matrix,
            seen,
            self._items.mean[seen].mean(axis=0),
            penalty=_ITEM_PENALTY,
            jitter=self._jitter,
        )

    def result(self) -> GaussianFactors:
        """Returns what came of it."""
        mean = self._items.mean.copy()
        user_rows = np.arange(len(self._user_mean))
        unseen = np.flatnonzero(self._item_counts == 0)
        mean[unseen] = self._item_prior.rows(unseen)
        return GaussianFactors(
            label_mean=self._label_mean,
            item_bias=mean[:, 0],
            item_factors=mean[:, 1:],
            noise_variance=self._noise,
            user_mean=self._user_mean,
            user_covariance=self._user_prior.covariance,
            user_doubt=self._user_doubt,
            is_user_seen=np.isin(user_rows, self._seen_users),
        )

    def _solve_users(self) -> tuple[Floats, Floats]:
        """Solves for users, and sums over those of each item.

        Second moments of users are needed for nothing else, so that they are never in
        memory together.

        Returns:
            float32 [items, M], sums of moments; float64 [items, K], sums of means times
            the residual of the pair.
        """
        items = self._items
        items.moments *= (1.0 / self._noise)[:, np.newaxis].astype(np.float32)
        means = items.mean / self._noise[:, np.newaxis]
        self._user_mean = np.zeros([len(self._designs[0].matrix), items.width - 1])
        self._user_doubt = np.zeros([items.width - 1] * 2)
        of_moments, of_means = np.zeros_like(items.moments), np.zeros_like(means)
        for block in self._blocks:
            users = self._solve_block(block, means)
            of_moments += block.seen.T @ users.moments
            of_means += block.residual.T @ users.mean
            self._user_mean[block.users] = users.mean[:, 1:]
            share = len(block.users) / len(self._seen_users)
            self._user_doubt += share * users.doubt
            del users  # Else it is there beside the next one.
        return of_moments, of_means

    def _solve_block(self, block: PairBlock, means: Floats) -> Vectors:
        """Solves for some users; a first entry of 1 goes before each vector."""
        users = Vectors(len(block.users), self._items.width)
        users.mean[:, 0] = 1.0
        packed, projected = block.seen @ self._items.moments, block.residual @ means
        for rows in _slices(len(block.users)):
            gram = unpacked(packed[rows], users.width)
            mean, covariance = posterior(
                gram[:, 1:, 1:],
                # The item bias is no part of the user vector: take it off the residual.
                projected[rows, 1:] - gram[:, 1:, 0],
                self._user_prior,
                block.users[rows],
            )
            users.put(rows, mean, covariance)
        return users

    def _solve_items(
        self, of_moments: Floats, of_means: Floats, relaxation: float
    ) -> Floats:
        """Solves for items, and returns the sum of squared errors of each."""
        items = self._items
        items.clear()
        error: Floats = self._squares.copy()
        weights = 2.0 - np.eye(items.width)[np.triu_indices(items.width)]
        seen = np.flatnonzero(self._item_counts)
        for some in _slices(len(seen)):
            rows = seen[some]
            packed, projected = of_moments[rows].astype(np.float64), of_means[rows]
            gram = unpacked(packed, items.width)
            weight = 1.0 / self._noise[rows]
            mean, covariance = posterior(
                gram * weight[:, np.newaxis, np.newaxis],
                projected * weight[:, np.newaxis],
                self._item_prior,
                rows,
            )
            mean += relaxation * (mean - items.mean[rows])
            second = items.put(rows, mean, covariance)
            error[rows] -= 2.0 * np.sum(mean * projected, axis=1)
            error[rows] += (second * packed) @ weights
        return error

    def _noise_of(self, error: Floats) -> Floats:
        """Returns the variance that is left of each item, [items]."""
        counts = self._item_counts
        overall = max(float(error.sum()) / counts.sum(), self._jitter)
        if not self._by_own_noise:
            return np.full(len(counts), overall)
        shrunk = (error + _NOISE_STRENGTH * overall) / (counts + _NOISE_STRENGTH)
        return np.maximum(shrunk, self._jitter)


def _slices(num_rows: int) -> Iterator[slice]:
    """Yields rows whose matrices stay in the cache together."""
    for start in range(0, num_rows, _ROWS_AT_ONCE):
        yield slice(start, start + _ROWS_AT_ONCE)


def _initial_items(num_rows: int, rank: int, rng: np.random.Generator) -> Vectors:
    items = Vectors(num_rows, rank + 2)
    mean = rng.normal(scale=_INITIAL_SPREAD, size=(num_rows, rank + 2))
    mean[:, 0] = 0.0  # The item bias.
    mean[:, 1] = 1.0  # Multiplies the user bias.
    for rows in _slices(num_rows):
        items.put(rows, mean[rows], np.zeros([1, rank + 2, rank + 2]))
    return items
