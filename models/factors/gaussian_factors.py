"""Fits user and item factors by alternating least squares that knows its doubts."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.factors.labelled_pairs import LabelledPairs

Floats = NDArray[np.floating]

_INITIAL_SPREAD = 0.1  # Standard deviation of the random factors, in stars.
_INITIAL_USER_VARIANCE = 0.25  # About that of user biases on a five-star scale.
_MIN_VARIANCE = 1e-6  # Keeps every prior invertible where labels do not vary.


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianFactors:
    """Fitted factors. D is 1 + rank: a bias and the latent factors of a user.

    Attributes:
        label_mean: Mean label.
        item_bias: float64 [num_items + 1], by item row.
        item_factors: float64 [num_items + 1, D], what a user vector is multiplied by;
            scaled so that user vectors are standard normal before any label is seen.
        noise_variance: Of labels about their prediction.
    """

    label_mean: float
    item_bias: Floats
    item_factors: Floats
    noise_variance: float


@dataclasses.dataclass(frozen=True, eq=False)
class _Gaussians:
    """One Gaussian a row: mean [N, K] and covariance [N, K, K]."""

    mean: Floats
    covariance: Floats

    @functools.cached_property
    def second_moment(self) -> Floats:
        return self.mean[:, :, None] * self.mean[:, None, :] + self.covariance


@dataclasses.dataclass(frozen=True, eq=False)
class _Neighbours:
    """Pairs grouped by the row of one side; `partner` is the row of the other."""

    partner: NDArray[np.integer]  # [N]
    residual: Floats  # [N]
    bounds: NDArray[np.integer]  # [rows + 1], where each row's pairs start.

    @property
    def is_seen(self) -> NDArray[np.bool_]:
        return np.diff(self.bounds) > 0


def fit_gaussian_factors(
    pairs: LabelledPairs, *, rank: int, num_iterations: int, seed: int
) -> GaussianFactors:
    """Fits label = label_mean + item_bias + item_factors . user_vector + noise.

    User vectors, item biases with item factors, and noise are Gaussian. As in
    alternating least squares each side is solved for with the other one fixed, but
    fixed with its posterior covariance, so that rarely seen items and users with few
    pairs do not pass for certain. The variances of the priors and of the noise, which
    are the regularisation, are re-estimated on the way and need no tuning.

    Args:
        pairs: The meta-train pairs. Pairs of the unknown item are left out.
        rank: Number of latent factors beside the bias.
        num_iterations: Sweeps over users and items.
        seed: Seed of the initial factors.

    Returns:
        The factors; an item without pairs has those of the average item.

    Raises:
        ValueError: If no pair has a known item.

    Source:
        Lim and Teh, "Variational Bayesian approach to movie rating prediction" (2007).
        Deviation: full prior covariances, and an item prior whose mean is learnt.
    """
    known = pairs.with_known_items()
    labels = known.label.astype(np.float64)
    label_mean = float(labels.mean())
    residual = labels - label_mean
    by_user = _group(known.user, known.item, residual, pairs.num_users + 1)
    by_item = _group(known.item, known.user, residual, pairs.num_items + 1)
    items = _initial_items(pairs.num_items + 1, rank, np.random.default_rng(seed))
    item_prior = _Gaussians(items.mean.mean(axis=0)[None], np.eye(rank + 2)[None])
    user_covariance: Floats = _INITIAL_USER_VARIANCE * np.eye(rank + 1)
    noise_variance = float(residual.var()) + _MIN_VARIANCE
    for _ in range(num_iterations):
        users = _solve_users(by_user, items, user_covariance, noise_variance)
        items, noise_variance = _solve_items(by_item, users, item_prior, noise_variance)
        seen_users = users.second_moment[by_user.is_seen]
        user_covariance = _add_jitter(seen_users.mean(axis=0))
        item_prior = _estimate_prior(items, by_item.is_seen)
    whitened = items.mean[:, 1:] @ np.linalg.cholesky(user_covariance)
    return GaussianFactors(label_mean, items.mean[:, 0], whitened, noise_variance)


def _initial_items(num_rows: int, rank: int, rng: np.random.Generator) -> _Gaussians:
    width = rank + 2
    mean = rng.normal(scale=_INITIAL_SPREAD, size=(num_rows, width))
    mean[:, 0] = 0.0  # The item bias.
    mean[:, 1] = 1.0  # Multiplies the user bias.
    return _Gaussians(mean, np.zeros((num_rows, width, width)))


def _group(
    rows: NDArray[np.integer],
    partner: NDArray[np.integer],
    residual: Floats,
    num_rows: int,
) -> _Neighbours:
    order = np.argsort(rows, kind="stable")
    bounds = np.searchsorted(rows[order], np.arange(num_rows + 1))
    return _Neighbours(partner[order], residual[order], bounds)


def _sum_over_partners(
    neighbours: _Neighbours, partners: _Gaussians
) -> tuple[Floats, Floats]:
    """Returns the sums of second moments and of residual * mean, by row."""
    num_rows, width = len(neighbours.bounds) - 1, partners.mean.shape[1]
    # Half the memory traffic, which is what this costs, for a millionth of error.
    moments = partners.second_moment.astype(np.float32).reshape(-1, width * width)
    ones = np.ones(neighbours.partner.shape, np.float32)
    is_pair = scipy.sparse.csr_matrix(
        (ones, neighbours.partner, neighbours.bounds), shape=(num_rows, len(moments))
    )
    gram = (is_pair @ moments).astype(np.float64)
    projected = np.zeros((num_rows, width))
    for row in np.flatnonzero(neighbours.is_seen):
        pairs = slice(neighbours.bounds[row], neighbours.bounds[row + 1])
        partner = neighbours.partner[pairs]
        projected[row] = neighbours.residual[pairs] @ partners.mean[partner]
    return gram.reshape(num_rows, width, width), projected


def _posterior(
    gram: Floats, projected: Floats, prior: _Gaussians, noise_variance: float
) -> _Gaussians:
    precision: Floats = np.linalg.inv(prior.covariance)  # [1, K, K]
    covariance: Floats = np.linalg.inv(precision + gram / noise_variance)
    weighted = precision @ prior.mean[..., None] + projected[..., None] / noise_variance
    return _Gaussians((covariance @ weighted)[..., 0], covariance)


def _solve_users(
    by_user: _Neighbours,
    items: _Gaussians,
    user_covariance: Floats,
    noise_variance: float,
) -> _Gaussians:
    gram, projected = _sum_over_partners(by_user, items)
    prior = _Gaussians(np.zeros((1, len(user_covariance))), user_covariance[None])
    # The item bias is no part of the user vector: take it off the residual.
    return _posterior(
        gram[:, 1:, 1:], projected[:, 1:] - gram[:, 1:, 0], prior, noise_variance
    )


def _solve_items(
    by_item: _Neighbours, users: _Gaussians, prior: _Gaussians, noise_variance: float
) -> tuple[_Gaussians, float]:
    """Returns the items and the noise variance that is left."""
    with_one = _Gaussians(  # The item bias multiplies a user entry of exactly 1.
        np.pad(users.mean, [(0, 0), (1, 0)], constant_values=1.0),
        np.pad(users.covariance, [(0, 0), (1, 0), (1, 0)]),
    )
    gram, projected = _sum_over_partners(by_item, with_one)
    items = _posterior(gram, projected, prior, noise_variance)
    squared_error = (
        np.sum(by_item.residual**2)
        - 2.0 * np.sum(items.mean * projected)
        + np.sum(items.second_moment * gram)
    )
    return items, max(float(squared_error) / by_item.residual.size, _MIN_VARIANCE)


def _estimate_prior(items: _Gaussians, is_seen: NDArray[np.bool_]) -> _Gaussians:
    mean = items.mean[is_seen].mean(axis=0)
    second_moment = items.second_moment[is_seen].mean(axis=0)
    covariance = _add_jitter(second_moment - np.outer(mean, mean))
    return _Gaussians(mean[None], covariance[None])


def _add_jitter(covariance: Floats) -> Floats:
    return covariance + _MIN_VARIANCE * np.eye(len(covariance))
