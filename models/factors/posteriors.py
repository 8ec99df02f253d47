"""Gaussian vectors of users or items: posteriors, their moments, and their prior."""

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from models.factors.pair_blocks import Floats

_SMALL = 5  # Rows of a matrix of which many are faster inverted at once.


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
        """Forgets what was put in, but the means; keeps the memory for what will be."""
        self.moments[:] = 0.0
        self._num_put = 0
        self._covariance = 0.0

    def put(
        self, rows: NDArray[np.integer] | slice, mean: Floats, covariance: Floats
    ) -> Floats:
        """Puts the posteriors of some rows in.

        Args:
            rows: Which R rows.
            mean: float64 [R, D], the last D entries; those before are certain, and are
                there.
            covariance: float64 [R, D, D].

        Returns:
            Second moments, float64 [R, K * (K + 1) / 2].
        """
        certain = self.width - mean.shape[1]
        self.mean[rows, certain:] = mean
        whole = self.mean[rows]
        one, other = _upper(self.width)
        second = whole[:, one] * whole[:, other]
        # The last entries of the upper triangle are that of the last D rows.
        upper = _upper(mean.shape[1])
        second[:, -len(upper[0]) :] += covariance[:, *upper]
        self.moments[rows] = second
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
    width = matrices.shape[-1]
    if width <= _SMALL:
        return _inverse_of_small(matrices)
    half = width // 2
    across = matrices[:, :half, half:]
    first = _inverse(matrices[:, :half, :half])
    weights = first @ across
    last = _inverse(matrices[:, half:, half:] - across.transpose(0, 2, 1) @ weights)
    corner = weights @ last
    inverse = np.empty_like(matrices)
    inverse[:, :half, :half] = first + corner @ weights.transpose(0, 2, 1)
    inverse[:, :half, half:] = -corner
    inverse[:, half:, :half] = -corner.transpose(0, 2, 1)
    inverse[:, half:, half:] = last
    return inverse


def _inverse_of_small(matrices: Floats) -> Floats:
    """Inverts by elimination, a step of all matrices at once."""
    entries = matrices.transpose(1, 2, 0).copy()
    for number, row in enumerate(entries):
        column = entries[:, number].copy()
        entries[:, number] = 0.0
        row[number] = 1.0
        row /= column[number]
        column[number] = 0.0
        entries -= column[:, np.newaxis] * row
    return entries.transpose(2, 0, 1)


def unpacked(packed: Floats, width: int) -> Floats:
    """Makes symmetric matrices of upper triangles, float64 [N, K, K]."""
    return packed.astype(np.float64)[:, _places(width)]


@functools.cache
def _upper(width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.triu_indices(width)


@functools.cache
def _places(width: int) -> NDArray[np.intp]:
    """Returns where in the upper triangle each entry of a matrix is, [K, K]."""
    places = np.zeros([width, width], np.intp)
    upper = _upper(width)
    places[upper] = places.T[upper] = np.arange(len(upper[0]))
    return places


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
    # Inverses use one triangle: what the other is off by would grow with each sweep.
    covariance = (covariance + covariance.T) / 2.0
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
