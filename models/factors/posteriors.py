"""Gaussian vectors of users or items: posteriors, their moments, and their prior."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from models.factors.pair_sums import Floats


@dataclasses.dataclass(frozen=True, eq=False)
class Prior:
    """The Gaussian that vectors are about.

    Attributes:
        mean: float64 [K], or [rows, K] where it depends on features.
        covariance: float64 [K, K].
    """

    mean: Floats
    covariance: Floats

    def rows(self, chosen: NDArray[np.integer]) -> Floats:
        """Returns the means of some rows, or the one of all."""
        return self.mean if self.mean.ndim == 1 else self.mean[chosen]


class Vectors:
    """Posterior of the vector of each row with a pair, put in some rows at a time.

    Second moments, mean times mean plus covariance, are kept as the upper triangle, as
    float32: half the memory traffic, twice, is what most of a fit costs, and a float32
    is good for a millionth.

    Args:
        num_rows: Rows there are.
        width: K.

    Attributes:
        width: K.
        mean: float64 [rows, K], 0 of what was not put in.
        moments: float32 [rows, K * (K + 1) / 2], likewise.
    """

    def __init__(self, num_rows: int, width: int) -> None:
        self.width = width
        self.mean: Floats = np.zeros([num_rows, width])
        self.moments: Floats = np.zeros(
            [num_rows, width * (width + 1) // 2], np.float32
        )
        self._num_put = 0
        self._covariance: Floats | float = 0.0  # Of all that was put in, together.

    def clear(self) -> None:
        """Forgets what was put in, and keeps the memory for what will be."""
        self.mean[:] = 0.0
        self.moments[:] = 0.0
        self._num_put = 0
        self._covariance = 0.0

    def put(
        self, rows: NDArray[np.integer], mean: Floats, covariance: Floats
    ) -> Floats:
        """Puts the posteriors of some rows in.

        Args:
            rows: int [R], which rows.
            mean: float64 [R, D], the last D entries; those before are certain, and are
                there.
            covariance: float64 [R, D, D].

        Returns:
            Second moments, float64 [R, K, K].
        """
        certain = self.width - mean.shape[1]
        self.mean[rows, certain:] = mean
        whole = self.mean[rows]
        second = whole[:, :, np.newaxis] * whole[:, np.newaxis, :]
        second[:, certain:, certain:] += covariance
        upper = np.triu_indices(self.width)
        self.moments[rows] = second[:, *upper]
        self._num_put += len(mean)
        self._covariance = self._covariance + covariance.sum(axis=0)
        return second

    @property
    def doubt(self) -> Floats:
        """Mean covariance of what was put in, float64 [D, D]."""
        return np.asarray(self._covariance / self._num_put)


def posterior(
    gram: Floats, projected: Floats, prior: Prior, rows: NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """Returns the posteriors of some rows.

    Args:
        gram: float64 [R, K, K], sums of second moments, in units of the noise.
        projected: float64 [R, K], sums of residuals times means, in the same units.
        prior: Of all rows.
        rows: int [R], which rows.

    Returns:
        Means [R, K] and covariances [R, K, K].
    """
    precision = np.linalg.inv(prior.covariance)
    covariance = _inverse(precision + gram)
    weighted = prior.rows(rows) @ precision + projected
    return (covariance @ weighted[..., np.newaxis])[..., 0], covariance


def _inverse(matrices: Floats) -> Floats:
    """Inverts positive definite matrices, in half the time of `numpy.linalg.inv`."""
    half = _inverse_of_lower(np.linalg.cholesky(matrices))
    return half.transpose(0, 2, 1) @ half


def _inverse_of_lower(factor: Floats) -> Floats:
    """Inverts lower triangular matrices, by halves."""
    if factor.shape[-1] == 1:
        return 1.0 / factor
    half = factor.shape[-1] // 2
    inverse = np.zeros_like(factor)
    first = inverse[:, :half, :half] = _inverse_of_lower(factor[:, :half, :half])
    last = inverse[:, half:, half:] = _inverse_of_lower(factor[:, half:, half:])
    inverse[:, half:, :half] = -last @ (factor[:, half:, :half] @ first)
    return inverse


def unpacked(packed: Floats, width: int) -> Floats:
    """Makes symmetric matrices of upper triangles, float64 [N, K, K]."""
    place = np.zeros([width, width], np.intp)
    upper = np.triu_indices(width)
    place[upper] = place.T[upper] = np.arange(packed.shape[1])
    return packed[:, place]


def fit_prior(
    mean: Floats,
    doubt: Floats,
    features: Floats,
    seen: NDArray[np.integer],
    center: Floats | float,
    *,
    penalty: float,
    jitter: float,
) -> Prior:
    """Estimates a prior from posteriors.

    Args:
        mean: float64 [rows, K], means of posteriors.
        doubt: float64 [K, K], their mean covariance.
        features: float64 [rows, P], what the mean of the prior is linear in.
        seen: int [S], which rows tell.
        center: The mean of the prior of a row of average features, [K] or a number.
        penalty: Rows of mean `center` added to those with each value of a feature.
        jitter: Added to each variance.
    """
    center = np.broadcast_to(center, mean.shape[1:])
    expected = of_seen = center
    if features.shape[1]:
        columns = features - features[seen].mean(axis=0)
        weights = penalised_least_squares(columns[seen], mean[seen] - center, penalty)
        expected = center + columns @ weights
        of_seen = expected[seen]
    deviation = mean[seen] - of_seen
    covariance = deviation.T @ deviation / len(seen) + doubt
    return Prior(expected, covariance + jitter * np.eye(len(covariance)))


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
