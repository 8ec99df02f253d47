"""Fits user and item factors by alternating least squares that knows its doubts."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.factors.entity_design import EntityDesign, no_features
from models.factors.labelled_pairs import LabelledPairs

Floats = NDArray[np.floating]

_INITIAL_SPREAD = 0.1  # Standard deviation of random item factors, without a unit.
_INITIAL_USER_VARIANCE = 0.2  # About that of user biases, in variances of labels.
_MIN_VARIANCE = 1e-6  # In variances of labels: keeps every prior invertible.
USER_PENALTY = 20.0  # Users of mean 0 added to those with each value of a feature.
_ITEM_PENALTY = 5.0  # Items of mean 0 added in the same way.
_NOISE_STRENGTH = 20.0  # Pairs of mean noise added to those of each item.
_USERS_AT_ONCE = 4096  # Their posteriors are in memory together.


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianFactors:
    """Fitted factors. D is 1 + rank: a bias and the latent factors of a user.

    Attributes:
        label_mean: Mean label.
        item_bias: float64 [num_items + 1], by item row.
        item_factors: float64 [num_items + 1, D], what a user vector is multiplied by.
        noise_variance: float64 [num_items + 1], of labels about their prediction; the
            same for all items unless it was fitted by item.
        user_mean: float64 [num_users + 1, D], posterior means of user vectors.
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


@dataclasses.dataclass(frozen=True, eq=False)
class _Gaussians:
    """One Gaussian a row: mean [N, K] and covariance [N, K, K]."""

    mean: Floats
    covariance: Floats

    @functools.cached_property
    def second_moment(self) -> Floats:
        return self.mean[:, :, None] * self.mean[:, None, :] + self.covariance


@dataclasses.dataclass(frozen=True, eq=False)
class _Block:
    """Some users with their pairs."""

    users: slice
    seen: scipy.sparse.csr_matrix  # [users, items], 1 for each pair.
    residual: scipy.sparse.csr_matrix  # [users, items], label less the mean.


@dataclasses.dataclass(eq=False)
class _Sums:
    """What items are solved from, over their users."""

    gram: Floats  # [items, K * (K + 1) / 2], packed second moments.
    projected: Floats  # [items, K], of residual * mean.
    user_mean: Floats  # [users, D].
    user_covariance: Floats  # [D, D], of all seen users together.


def fit_gaussian_factors(
    pairs: LabelledPairs,
    *,
    rank: int,
    num_iterations: int,
    seed: int,
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
        Deviations: full prior covariances, prior means that are learnt.
    """
    known = pairs.with_known_items()
    users = users or no_features(pairs.num_users + 1)
    items = items or no_features(pairs.num_items + 1)
    residual = known.label.astype(np.float64)
    label_mean = float(residual.mean())
    residual -= label_mean
    counts = np.bincount(known.item, minlength=pairs.num_items + 1)
    squares = np.zeros(pairs.num_items + 1)
    np.add.at(squares, known.item, residual**2)
    is_user_seen = np.bincount(known.user, minlength=pairs.num_users + 1) > 0
    variance = float(residual.var()) or 1.0
    jitter = _MIN_VARIANCE * variance
    blocks = list(_blocks(known, residual))
    factors = _initial_items(len(counts), rank, np.random.default_rng(seed))
    item_prior = _Gaussians(
        np.broadcast_to(factors.mean.mean(axis=0), factors.mean.shape),
        np.diag([variance] + [1.0] * (rank + 1))[None],
    )
    user_prior = _Gaussians(
        np.zeros([len(is_user_seen), rank + 1]),
        _INITIAL_USER_VARIANCE * variance * np.eye(rank + 1)[None],
    )
    noise = np.full(len(counts), variance + jitter)
    for _ in range(num_iterations):
        sums = _solve_users(blocks, factors, user_prior, noise)
        factors = _solve_items(sums, item_prior, noise)
        noise = _noise(factors, sums, squares, counts, item_noise, jitter)
        doubt = sums.user_covariance / is_user_seen.sum()
        # What all users share is the bias of items: user vectors are about 0.
        user_prior = _prior(
            *(sums.user_mean, doubt, users.matrix, is_user_seen, 0.0),
            penalty=USER_PENALTY,
            jitter=jitter,
        )
        seen = counts > 0
        doubt_of_items = factors.covariance[seen].mean(axis=0)
        center = factors.mean[seen].mean(axis=0)
        item_prior = _prior(
            *(factors.mean, doubt_of_items, items.matrix, seen, center),
            penalty=_ITEM_PENALTY,
            jitter=jitter,
        )
    mean = np.where(counts[:, None] > 0, factors.mean, item_prior.mean)
    return GaussianFactors(
        label_mean=label_mean,
        item_bias=mean[:, 0],
        item_factors=mean[:, 1:],
        noise_variance=noise,
        user_mean=sums.user_mean,
        user_covariance=user_prior.covariance[0],
        user_doubt=doubt,
        is_user_seen=is_user_seen,
    )


def _blocks(pairs: LabelledPairs, residual: Floats) -> Iterator[_Block]:
    """Yields all users and their pairs, some users at a time."""
    order = np.argsort(pairs.user, kind="stable")
    user, item = pairs.user[order], pairs.item[order]
    num_users, num_items = pairs.num_users + 1, pairs.num_items + 1
    bounds = np.searchsorted(user, np.arange(num_users + 1))
    values = residual[order].astype(np.float32)
    for first in range(0, num_users, _USERS_AT_ONCE):
        last = min(first + _USERS_AT_ONCE, num_users)
        of_block = slice(bounds[first], bounds[last])
        starts = bounds[first : last + 1] - bounds[first]
        shape = last - first, num_items
        ones = np.ones(of_block.stop - of_block.start, np.float32)
        yield _Block(
            slice(first, last),
            scipy.sparse.csr_matrix((ones, item[of_block], starts), shape),
            scipy.sparse.csr_matrix((values[of_block], item[of_block], starts), shape),
        )


def _initial_items(num_rows: int, rank: int, rng: np.random.Generator) -> _Gaussians:
    width = rank + 2
    mean = rng.normal(scale=_INITIAL_SPREAD, size=(num_rows, width))
    mean[:, 0] = 0.0  # The item bias.
    mean[:, 1] = 1.0  # Multiplies the user bias.
    return _Gaussians(mean, np.zeros((num_rows, width, width)))


def _solve_users(
    blocks: list[_Block], items: _Gaussians, prior: _Gaussians, noise: Floats
) -> _Sums:
    """Solves for users, block by block, and sums up what items need of them."""
    weight = 1.0 / noise
    moments = _pack(items.second_moment) * weight[:, None].astype(np.float32)
    means = (items.mean * weight[:, None]).astype(np.float32)
    num_rows, width = items.mean.shape
    sums = _Sums(
        np.zeros([num_rows, moments.shape[1]]),
        np.zeros([num_rows, width]),
        np.zeros_like(prior.mean),
        np.zeros([width - 1, width - 1]),
    )
    for block in blocks:
        gram = _unpack(block.seen @ moments, width)
        projected = block.residual @ means
        users = _posterior(
            gram[:, 1:, 1:],
            # The item bias is no part of the user vector: take it off the residual.
            projected[:, 1:] - gram[:, 1:, 0],
            _Gaussians(prior.mean[block.users], prior.covariance),
        )
        is_seen = np.diff(block.seen.indptr) > 0
        sums.user_mean[block.users] = users.mean
        sums.user_covariance += users.covariance[is_seen].sum(axis=0)
        with_one = _Gaussians(  # The item bias multiplies a user entry of exactly 1.
            np.pad(users.mean, [(0, 0), (1, 0)], constant_values=1.0),
            np.pad(users.covariance, [(0, 0), (1, 0), (1, 0)]),
        )
        sums.gram += block.seen.T @ _pack(with_one.second_moment)
        sums.projected += block.residual.T @ with_one.mean
    return sums


def _solve_items(sums: _Sums, prior: _Gaussians, noise: Floats) -> _Gaussians:
    width = sums.projected.shape[1]
    weight = 1.0 / noise
    gram = _unpack(sums.gram * weight[:, None], width)
    return _posterior(gram, sums.projected * weight[:, None], prior)


def _posterior(gram: Floats, projected: Floats, prior: _Gaussians) -> _Gaussians:
    """Returns the posteriors of rows; sums come in units of the noise."""
    precision: Floats = np.linalg.inv(prior.covariance)  # [1, K, K]
    covariance: Floats = np.linalg.inv(precision + gram)
    weighted = prior.mean @ precision[0] + projected
    return _Gaussians((covariance @ weighted[..., None])[..., 0], covariance)


def _noise(
    items: _Gaussians,
    sums: _Sums,
    squares: Floats,
    counts: NDArray[np.integer],
    by_item: bool,
    jitter: float,
) -> Floats:
    """Returns the variance that is left of each item, [items]."""
    error = squares - 2.0 * np.sum(items.mean * sums.projected, axis=1)
    packed = _pack(items.second_moment, np.float64)
    # What is not on the diagonal is there twice.
    rows, columns = np.triu_indices(items.mean.shape[1])
    error += (packed * sums.gram) @ np.where(rows == columns, 1.0, 2.0)
    overall = max(float(error.sum()) / counts.sum(), jitter)
    if not by_item:
        return np.full(len(counts), overall)
    shrunk = (error + _NOISE_STRENGTH * overall) / (counts + _NOISE_STRENGTH)
    return np.maximum(shrunk, jitter)


def _prior(
    mean: Floats,
    doubt: Floats,
    features: Floats,
    is_seen: NDArray[np.bool_],
    center: Floats | float,
    *,
    penalty: float,
    jitter: float,
) -> _Gaussians:
    """Estimates a prior from posteriors: a mean for each row, and one covariance."""
    expected = np.broadcast_to(center, mean.shape)
    if features.shape[1]:
        columns = features - features[is_seen].mean(axis=0)
        weights = penalised_least_squares(
            columns[is_seen], mean[is_seen] - center, penalty
        )
        expected = center + columns @ weights
    deviation = mean[is_seen] - expected[is_seen]
    covariance = deviation.T @ deviation / is_seen.sum() + doubt
    return _Gaussians(expected, (covariance + jitter * np.eye(len(covariance)))[None])


def penalised_least_squares(rows: Floats, targets: Floats, penalty: float) -> Floats:
    """Returns W that minimises |rows W - targets| ** 2 + penalty |W| ** 2.

    Args:
        rows: float [N, P].
        targets: float [N, K].
        penalty: Above 0.

    Returns:
        float64 [P, K].
    """
    gram = rows.T @ rows + penalty * np.eye(rows.shape[1])
    solved: Floats = np.linalg.solve(gram, rows.T @ targets)
    return solved


def _pack(matrices: Floats, kind: type = np.float32) -> Floats:
    """Keeps the upper triangle of symmetric matrices, [N, K * (K + 1) / 2].

    Half the memory traffic, twice, is what most of a fit costs; a float32 is good for a
    millionth.
    """
    rows, columns = np.triu_indices(matrices.shape[1])
    return matrices[:, rows, columns].astype(kind)


def _unpack(packed: Floats, width: int) -> Floats:
    """Makes symmetric matrices of upper triangles, float64 [N, K, K]."""
    rows, columns = np.triu_indices(width)
    matrices = np.empty([len(packed), width, width])
    matrices[:, rows, columns] = packed
    matrices[:, columns, rows] = packed
    return matrices
