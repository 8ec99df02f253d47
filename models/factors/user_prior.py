"""What is expected of a user vector before any label of the user is seen."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.factors.entity_design import EntityDesign
from models.factors.gaussian_factors import GaussianFactors
from models.factors.labelled_pairs import LabelledPairs

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

SET_STRENGTH = 10.0  # Pairs at which the set of items counts by half.

_NUM_COMPONENTS = 64  # Of who has rated what.
_MORE_COMPONENTS = 10  # Looked for, so that those wanted are exact.
_NUM_ROUNDS = 4
_PENALTY = 50.0
_ROWS_AT_ONCE = 1 << 15  # Copied in memory together.
_NUM_DRAWS = 4  # Support sets of each user.
_MAX_SUPPORT = 40
_MIN_LEFT_OUT = 10  # Pairs of a user that are in none of their support sets, or half.
_JITTER = 1e-6
_NOTHING = 1e-12  # Of the largest square of a size: none at all.


@dataclasses.dataclass(frozen=True, eq=False)
class UserPrior:
    """The mean of a user vector, linear in what is known without labels.

    With n items in the support set, s = n / (n + `SET_STRENGTH`) and the features x:

        mean = level[0] + x . features[0] + s * (level[1] + x . features[1])
               + log(1 + n) * level[2] + sum of `items` / (n + `SET_STRENGTH`)

    Attributes:
        level: float64 [3, D].
        features: float64 [2, P, D], weights of the columns of the design.
        items: float64 [num_items + 1, D].
        covariance: float64 [D, D], of user vectors about this mean.
    """

    level: Floats
    features: Floats
    items: Floats
    covariance: Floats

    def turned(self, matrix: Floats) -> UserPrior:
        """Returns it for user vectors times `matrix` [D, D]."""
        return UserPrior(
            self.level @ matrix,
            self.features @ matrix,
            self.items @ matrix,
            matrix.T @ self.covariance @ matrix,
        )


def fit_user_prior(
    factors: GaussianFactors,
    pairs: LabelledPairs,
    users: EntityDesign,
    *,
    by_set: bool,
    seed: int,
) -> UserPrior:
    """Regresses the vectors of users on what is known of them without labels.

    The vectors are those that all pairs of a user give. Support sets are drawn from
    these pairs, half of them full, the others of any size, as training draws them.

    Args:
        factors: The fit to the same pairs.
        pairs: The training pairs.
        users: Features of users.
        by_set: Whether the set of items, whatever their labels, and its size tell.
        seed: Seed of the support sets and of the components.
    """
    known = pairs.with_known_items()
    seen = np.flatnonzero(factors.is_user_seen)
    target = factors.user_mean[seen]
    columns = users.matrix[seen] - users.matrix[seen].mean(axis=0)
    num_columns, width = columns.shape[1], target.shape[1]
    vectors: Floats = np.zeros([pairs.num_items + 1, 0])
    draws: Iterable[tuple[Floats, Floats]] = [
        (np.zeros([len(seen), 0]), np.zeros([len(seen), 1]))
    ]
    if by_set:
        vectors = item_set_vectors(known, seed=seed)
        draws = _draw_sets(known, vectors, seen, np.random.default_rng(seed))
    weights, covariance = _regress(columns, draws, target)
    level, features, sets = np.split(weights, [3, 3 + 2 * num_columns])
    features = features.reshape(2, num_columns, width)
    # Columns are about their means.
    level[:2] -= users.matrix[seen].mean(axis=0) @ features
    return UserPrior(
        level=level,
        features=features,
        items=vectors @ sets,
        covariance=covariance
        + factors.user_doubt
        + _JITTER * np.eye(width) * np.trace(factors.user_doubt) / width,
    )


def _regress(
    columns: Floats, draws: Iterable[tuple[Floats, Floats]], target: Floats
) -> tuple[Floats, Floats]:
    """Returns weights, and the covariance of what they leave, draw by draw.

    Args:
        columns: As `_inputs` takes them.
        draws: Sums and sizes, as it takes them; used up.
        target: float64 [N, K], of each draw.
    """
    num_draws = 0
    gram: Floats | float = 0.0
    projected: Floats | float = 0.0
    for sums, sizes in draws:
        num_draws += 1
        for start in range(0, len(target), _ROWS_AT_ONCE):
            block = slice(start, start + _ROWS_AT_ONCE)
            rows = _inputs(columns[block], sums[block], sizes[block])
            gram = gram + rows.T @ rows
            projected = projected + rows.T @ target[block]
        del sums  # Else they are there beside the next ones.
    gram, projected = np.asarray(gram), np.asarray(projected)
    weights = np.linalg.solve(gram + _PENALTY * np.eye(len(gram)), projected)
    explained = projected.T @ weights
    left = num_draws * (target.T @ target) - explained - explained.T
    left += weights.T @ gram @ weights
    return weights, left / (num_draws * len(target))


def _inputs(columns: Floats, sums: Floats, sizes: Floats) -> Floats:
    """Returns what a mean is linear in, float64 [N, 3 + 2 P + C].

    Args:
        columns: float64 [N, P], features.
        sums: float64 [N, C], sums of the vectors of each support set.
        sizes: float64 [N, 1], of support sets.
    """
    share = sizes / (sizes + SET_STRENGTH)
    level = [np.ones_like(sizes), share, np.log1p(sizes)]
    of_set = sums / (sizes + SET_STRENGTH)
    return np.concatenate([*level, columns, share * columns, of_set], axis=1)


def _draw_sets(
    pairs: LabelledPairs,
    vectors: Floats,
    seen: NDArray[np.integer],
    rng: np.random.Generator,
) -> Iterator[tuple[Floats, Floats]]:
    """Draws support sets of users: sums of vectors [N, C], sizes [N, 1] a draw."""
    counts = np.bincount(pairs.user, minlength=pairs.num_users + 1)
    starts = np.cumsum(counts) - counts
    most = np.maximum(counts - _MIN_LEFT_OUT, counts // 2)
    for draw in range(_NUM_DRAWS):
        limit = np.full(len(counts), _MAX_SUPPORT)
        if draw % 2:
            limit = rng.integers(0, _MAX_SUPPORT + 1, len(counts))
        sizes = np.minimum(limit, most)
        items = pairs.item[_shuffled(pairs.user, rng)[_places_of(starts, sizes)]]
        of_seen = sizes[seen]  # All there are: those without pairs have none drawn.
        sums = _sums(vectors, items, of_seen)
        yield sums, of_seen[:, np.newaxis].astype(np.float64)
        del sums  # As large as all vectors of users.


def _shuffled(users: Ints, rng: np.random.Generator) -> Ints:
    """Returns the places of pairs by user, those of each in a random order."""
    keys = rng.random(len(users))
    keys += users  # In place: there are as many as pairs.
    return np.argsort(keys)


def _sums(vectors: Floats, rows: Ints, sizes: Ints) -> Floats:
    """Returns the sums of so many rows each, one set after the other, [N, C]."""
    ends = np.append(0, np.cumsum(sizes))
    shape = len(sizes), len(vectors)
    sets = scipy.sparse.csr_matrix((np.ones(len(rows)), rows, ends), shape)
    sums: Floats = sets @ vectors
    return sums


def _places_of(starts: Ints, sizes: Ints) -> Ints:
    """Returns so many places from each start on, one start after the other."""
    ends = np.cumsum(sizes)
    dtype = np.int32 if starts[-1] + sizes[-1] < 1 << 31 else np.int64
    places = np.arange(ends[-1], dtype=dtype)
    places += np.repeat((starts - (ends - sizes)).astype(dtype), sizes)
    return places


def item_set_vectors(pairs: LabelledPairs, *, seed: int) -> Floats:
    """Describes items by who has rated them, whatever the labels.

    Args:
        pairs: The training pairs.
        seed: Seed of the approximation.

    Returns:
        float64 [num_items + 1, C], components of unit size over the items with pairs:
        the singular vectors of the matrix of users and items, each pair over the root
        of how many pairs its user and its item have. Zeros for an item without pairs,
        and in components beyond the rank of the matrix.
    """
    of_user = np.bincount(pairs.user, minlength=pairs.num_users + 1)
    of_item = np.bincount(pairs.item, minlength=pairs.num_items + 1)
    weight = 1.0 / np.sqrt(of_user[pairs.user] * of_item[pairs.item])
    shape = len(of_user), len(of_item)
    matrix = scipy.sparse.csr_matrix((weight, (pairs.user, pairs.item)), shape)
    del weight  # As many as pairs.
    most = min(int((of_user > 0).sum()), int((of_item > 0).sum()))
    vectors = _right_vectors(matrix, min(_NUM_COMPONENTS, most), seed)
    vectors *= np.sqrt(np.count_nonzero(of_item))
    vectors[of_item == 0] = 0.0
    return vectors


def _right_vectors(matrix: scipy.sparse.csr_matrix, number: int, seed: int) -> Floats:
    """Returns the largest right singular vectors, float64 [columns, number].

    As `randomized_svd` of scikit-learn without what it has in memory: never more than
    two dense matrices of as many rows as there are users or items, in place of five,
    which were most of what a fit takes. A vector of no size is all zeros.

    Source:
        Halko, Martinsson and Tropp, "Finding structure with randomness" (2011),
        algorithms 4.4 and 5.1. Deviation: columns are made orthonormal by the
        eigenvectors of their products, block by block and in place.
    """
    width = number + _MORE_COMPONENTS
    basis = np.random.RandomState(seed).normal(size=(matrix.shape[1], width))
    # What the rounds are off by, the products after them are not.
    basis, of_rounds = basis.astype(np.float32), _as_float32(matrix)
    for _ in range(_NUM_ROUNDS):
        for side in (of_rounds, of_rounds.T):
            basis = side @ basis
            _make_orthonormal(basis)
    del of_rounds
    basis = matrix @ basis.astype(np.float64)
    for _ in range(2):  # The first one leaves what it is off by.
        _make_orthonormal(basis)
    basis = matrix.T @ basis
    vectors: Floats = basis @ _whitening(basis)[:, -number:]
    return vectors


def _as_float32(matrix: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Returns a matrix of float32 in the same places, which both share."""
    values = matrix.data.astype(np.float32)
    places = matrix.indices, matrix.indptr
    return scipy.sparse.csr_matrix((values, *places), matrix.shape, copy=False)


def _make_orthonormal(columns: Floats) -> None:
    """Replaces columns by orthonormal ones that span the same."""
    scale = _whitening(columns)
    for start in range(0, len(columns), _ROWS_AT_ONCE):
        block = slice(start, start + _ROWS_AT_ONCE)
        columns[block] = columns[block] @ scale


def _whitening(columns: Floats) -> Floats:
    """Returns what columns are multiplied by to be orthonormal, the largest last."""
    values, vectors = np.linalg.eigh(columns.T @ columns)
    least = _NOTHING * values[-1]
    sizes = np.sqrt(np.where(values > least, values, np.inf))
    whitening: Floats = vectors / sizes
    return whitening
