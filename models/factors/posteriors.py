"""Gaussian vectors of users or items: posteriors, their moments, and their prior."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from models.factors.pair_sums import Floats

_ROWS_AT_ONCE = 512  # Of which matrices are in memory, and in the cache, together.


@dataclasses.dataclass(frozen=True, eq=False)
class Prior:
    """The Gaussian that vectors are about.

    Attributes:
        mean: float64 [K], or [rows, K] where it depends on features.
        covariance: float64 [K, K].
    """

    mean: Floats
    covariance: Floats

    def rows(self, chosen: slice | NDArray[np.bool_]) -> Floats:
        """Returns the means of some rows, or the one of all."""
        return self.mean if self.mean.ndim == 1 else self.mean[chosen]


class Vectors:
    """Posterior of the vector of each row, to be put in some rows at a time.

    Second moments, mean times mean plus covariance, are kept as the upper triangle, as
    float32: half the memory traffic, twice, is what most of a fit costs, and a float32
    is good for a millionth.

    Args:
        num_rows: Rows there are.
        width: K.
        is_seen: bool [rows], which have a pair.

    Attributes:
        width: K.
        mean: float64 [rows, K].
        moments: float32 [rows, K * (K + 1) / 2].
    """

    def __init__(self, num_rows: int, width: int, is_seen: NDArray[np.bool_]) -> None:
        self.width = width
        self.mean: Floats = np.empty([num_rows, width])
        self.moments: Floats = np.empty(
            [num_rows, width * (width + 1) // 2], np.float32
        )
        self._is_seen = is_seen
        self._covariance: Floats | float = 0.0  # Of all seen rows together.

    def put(self, rows: slice, mean: Floats, covariance: Floats) -> Floats:
        """Puts the posteriors of some rows in.

        Args:
            rows: Which rows.
            mean: float64 [rows, D], the last D entries; those before are certain, and
                are there.
            covariance: float64 [rows, D, D].

        Returns:
            Second moments, float64 [rows, K, K].
        """
        certain = self.width - mean.shape[1]
        self.mean[rows, certain:] = mean
        whole = self.mean[rows]
        second = whole[:, :, np.newaxis] * whole[:, np.newaxis, :]
        second[:, certain:, certain:] += covariance
        upper = np.triu_indices(self.width)
        self.moments[rows] = second[:, *upper]
        is_seen = self._is_seen[rows]
        if is_seen.any():
            self._covariance = self._covariance + covariance[is_seen].sum(axis=0)
        return second

    @property
    def doubt(self) -> Floats:
        """Mean covariance of rows with a pair, float64 [D, D]."""
        return np.asarray(self._covariance / self._is_seen.sum())


def few_at_once(
    blocks: Iterable[tuple[slice, Floats, Floats]],
) -> Iterator[tuple[slice, Floats, Floats]]:
    """Splits blocks of rows, so that the matrices of few rows are in memory together.

    Args:
        blocks: Rows, and two arrays [rows, ...].
    """
    for rows, one, other in blocks:
        for first in range(rows.start, rows.stop, _ROWS_AT_ONCE):
            few = slice(first, min(first + _ROWS_AT_ONCE, rows.stop))
            own = slice(first - rows.start, few.stop - rows.start)
            yield few, one[own], other[own]


def posterior(
    gram: Floats, projected: Floats, prior: Prior, rows: slice
) -> tuple[Floats, Floats]:
    """Returns the posteriors of some rows.

    Args:
        gram: float64 [rows, K, K], sums of second moments, in units of the noise.
        projected: float64 [rows, K], sums of residuals times means, in the same units.
        prior: Of all rows.
        rows: Which rows.

    Returns:
        Means [rows, K] and covariances [rows, K, K].
    """
    precision = np.linalg.inv(prior.covariance)
    covariance = np.linalg.inv(precision + gram)
    weighted = prior.rows(rows) @ precision + projected
    return (covariance @ weighted[..., np.newaxis])[..., 0], covariance


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
    is_seen: NDArray[np.bool_],
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
        is_seen: bool [rows], which rows tell.
        center: The mean of the prior of a row of average features, [K] or a number.
        penalty: Rows of mean `center` added to those with each value of a feature.
        jitter: Added to each variance.
    """
    center = np.broadcast_to(center, mean.shape[1:])
    expected = of_seen = center
    if features.shape[1]:
        columns = features - features[is_seen].mean(axis=0)
        weights = penalised_least_squares(
            columns[is_seen], mean[is_seen] - center, penalty
        )
        expected = center + columns @ weights
        of_seen = expected[is_seen]
    deviation = mean[is_seen] - of_seen
    covariance = deviation.T @ deviation / is_seen.sum() + doubt
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
