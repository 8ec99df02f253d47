"""Known clicks to vectors of users and items."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks
from models.factors.factor_fit import turn
from models.factors.factorisation import FactorisationOptions, Floats, factorise
from models.factors.item_model import DecomposedClicks, ItemModel, decompose_clicks
from models.factors.kept_fits import KeptFits
from models.factors.vector_fallbacks import (
    blend_with_features,
    fill_in_items,
    fill_in_users,
    mean_row,
    rows_of,
)
from models.factors.vectors import Vectors
from transforms.clicks.schema import Domain

Pools = Sequence[NDArray[np.integer]]

# Where known clicks have a dot product of 1, hardly a clicked item falls to -1.
_UNCLICKED = -2.0
# What the options of all but the factors begin with.
_OF_OTHERS = ("item_", "open_", "pool_", "count_", "mean_", "feature_")
_NO_SPREAD = 1e-6  # Of scores that differ by rounding alone, beside the largest unit.
_CLICKS_AT_ONCE = 1 << 16  # Whose vectors are looked up.
_USERS_AT_ONCE = 1 << 12  # Whose vectors are made where they are not kept.


@dataclasses.dataclass(frozen=True, eq=False)
class _Fit:
    """What one fit sees.

    Attributes:
        seen: bool [N], which of the known clicks.
        pools: Item rows of each scenario; none where pools are not to be known.
    """

    seen: NDArray[np.bool_]
    pools: Pools


def fit_vectors(
    known: KnownClicks,
    domains: Sequence[Domain],
    pools: Pools,
    options: FactorisationOptions,
    num_folds: int,
    *,
    features: NDArray | None = None,
    dot_alone: bool = False,
    kept: KeptFits | None = None,
    keep_users: bool = True,
) -> Vectors:
    """Fits vectors to all known clicks, and without each fold.

    Each domain is fitted by itself, since domains share nothing, and brought to one
    scale: dot products of known clicks have a root mean square of 1.

    Where the options weigh pools, they are rows of further users, whose vectors are
    dropped; each fit then has a second one beside it that is told nothing of pools. The
    vectors of the linear model of items, which knows no pool either, follow those of
    the factorisation; dot products of both spread alike, and what they weigh in one of
    all units is said beside. Those of items spread the closeness to the mean of a
    user's clicks as the dot product spreads.

    An entity without a click in a fit gets the vector of others there: an item, if no
    pool that weighs has it, a tenth of the mean over the clicked items of the pools it
    is in, else of its domain; a user the mean user of their domain; the unknown
    entities, row 0, that of all. Without any click to take a mean over, it is 0.

    The mean vector has the popularity of others, which nobody has shown for such an
    item. So a last unit, 1 for users, is 0 for items with a vector of their own and -2
    for others: these stand behind, their pools order them among themselves. What
    features predict counts as an item's own, since it tells popular items from others.

    Args:
        known: The known clicks.
        domains: The domains, in the order of their rows.
        pools: Item rows of each scenario.
        options: The factorisation.
        num_folds: F, folds to be left out in turn; 0 for fits to all clicks alone.
        features: float [num_items + 1, P], the design of the items, if they have any.
        dot_alone: Whether only what the dot product of the first fit needs is made.
        kept: What was fitted before, to be taken where it is the same.
        keep_users: Whether vectors of users are kept, or that of the unknown one alone,
            as where users are tasks, whom the model does not know: they may be many
            more than items. The linear model has no part in the dot product then.

    Returns:
        F + 1 groups of fits.

    Raises:
        ValueError: If pools or the linear model weigh in the dot product, and users are
            not kept.
    """
    _check_weights(options, keep_users)
    per_fold = 2 if options.pool_weight and not dot_alone else 1
    fits = _fits_of(known, (pools, ())[:per_fold], num_folds)
    num_linear = options.item_factors if options.item_weight or not dot_alone else 0
    num_further = num_linear + (2 if num_linear else 1)
    shape = len(fits), options.width + num_further
    users = _no_vectors(shape, known.num_users if keep_users else len(domains))
    items = _no_vectors(shape, known.num_items)
    strengths = np.zeros([len(domains), num_linear], np.float32)
    for place, rows in enumerate(rows_of(domains)):
        own = rows[0] if keep_users else slice(place + 1, place + 2)
        tables = users[:, own, :-1], items[:, rows[1], :-1]
        fit = _DomainFit(known, fits, rows, options, features, tables, kept, keep_users)
        fit.run(strengths[place])
    users[..., -1] = 1.0
    return Vectors(
        users if keep_users else users[:, :1],
        items,
        _fill_in(users, items, fits, known, domains, options, features),
        num_further,
        num_linear,
        per_fold,
        options.blends,
        strengths.mean(axis=0),
        options.item_clicks,
        options.count_weight,
        options.mean_weight,
    )


def _check_weights(options: FactorisationOptions, keep_users: bool) -> None:
    if not keep_users and (options.pool_weight or options.item_weight):
        raise ValueError(
            "pool_weight and item_weight must be 0 where no user is kept, got "
            f"{options.pool_weight} and {options.item_weight}."
        )


def _no_vectors(shape: tuple[int, int], num_rows: int) -> Floats:
    """Returns a table to be filled, [fits, rows + 1, width], of fits and width."""
    return np.zeros([shape[0], num_rows + 1, shape[1]], np.float32)


def _fill_in(
    users: Floats, items: Floats, fits: Sequence[_Fit], *of_all: Any
) -> tuple[tuple[int, int], ...]:
    """Fills the units of all fits in; see `_fill_in_fit`."""
    each = zip(users, items, fits, strict=True)
    return tuple(_fill_in_fit(*of_fit, *of_all) for of_fit in each)


def _fill_in_fit(
    users: Floats,
    items: Floats,
    fit: _Fit,
    known: KnownClicks,
    domains: Sequence[Domain],
    options: FactorisationOptions,
    features: NDArray | None,
) -> tuple[int, int]:
    """Fills the units of one fit in, in place; a click of what it lacks weighs 1.

    Of users who are not kept there is the mean of each domain.

    Returns:
        How many users and items lacked a vector of their own.
    """
    # Where there is a linear model, what a click weighs stands behind it.
    units = -2 if items.shape[1] > options.width + 1 else -1
    in_pools = np.concatenate([*fit.pools, []]).astype(np.intp)
    counts = options.pool_weight * np.bincount(in_pools, minlength=len(items))
    counts += np.bincount(known.item[fit.seen], minlength=len(items))
    has_item = counts > 0
    if features is not None:
        for _, rows in rows_of(domains):
            own = items[rows, :units], counts[rows], features[rows]
            has_item[rows] |= blend_with_features(*own, options.feature_clicks)
    fill_in_items(items[:, :units], has_item, domains, fit.pools)
    items[~has_item, units:-1] = 1.0
    items[~has_item, -1] = _UNCLICKED
    has_user = np.bincount(known.user[fit.seen], minlength=known.num_users + 1) > 0
    if len(users) == len(has_user):
        fill_in_users(users[:, :units], has_user, domains)
    else:
        numbers = [has_user[of_users].sum() for of_users, _ in rows_of(domains)]
        shares = np.array(numbers, np.float32) / max(1, sum(numbers))
        users[0, :units] = shares @ users[1:, :units]
    return int((~has_user[1:]).sum()), int((~has_item[1:]).sum())


def _fits_of(known: KnownClicks, told: Sequence[Pools], num_folds: int) -> list[_Fit]:
    """Returns the fits to all known clicks and without each fold, told these pools."""
    masks = [np.ones(known.user.size, bool)]
    masks += [known.fold != fold for fold in range(num_folds)]
    return [_Fit(seen, pools) for seen in masks for pools in told]


class _DomainFit:
    """Fits one domain without fallbacks, in place: vectors are too many for a copy.

    Args:
        known: The known clicks.
        fits: What each fit sees.
        rows: Those of the users and of the items of the domain.
        options: The factorisation.
        features: float [num_items + 1, P], or None.
        tables: float32 [fits, users or items of the domain, D + L + 1], to be filled,
            the weights of clicks behind; [.., D] where the linear model is of no use.
        kept: What has been fitted before, if that is kept.
        keep_users: Whether the former table is of users, or of their mean alone.
    """

    def __init__(
        self,
        known: KnownClicks,
        fits: Sequence[_Fit],
        rows: tuple[slice, slice],
        options: FactorisationOptions,
        features: NDArray | None,
        tables: tuple[Floats, Floats],
        kept: KeptFits | None,
        keep_users: bool,
    ) -> None:
        of_users, of_items = rows
        inside = (known.user >= of_users.start) & (known.user < of_users.stop)
        self._user = known.user[inside] - of_users.start
        self._item = known.item[inside] - of_items.start
        self._seen = [fit.seen[inside] for fit in fits]
        pools = [fit.pools if options.pool_weight else () for fit in fits]
        self._pools = [_own_pools(of_fit, of_items) for of_fit in pools]
        self._first_user = of_users.start
        self._options = options
        self._features = None if features is None else features[of_items]
        self._tables = tables
        self._sizes = of_users.stop - of_users.start, tables[1].shape[1]
        self._kept = kept or KeptFits(0)
        self._keep_users = keep_users

    def run(self, strengths: Floats) -> None:
        """Fills the tables, and the strengths of the linear model of the first fit."""
        width, users = self._options.width, self._sizes[0]
        reference = np.concatenate(self._factorise(0))
        first = np.split(reference, [users])
        self._put(0, slice(width), self._to_keep(0, first[0]), first[1])
        for number in range(1, len(self._seen)):
            factors = np.concatenate(self._factorise(number))
            # To agree with the first one; dot products stay.
            parts = np.split(factors @ turn(factors, reference), [users])
            self._put(number, slice(width), self._to_keep(number, parts[0]), parts[1])
        weights = np.ones(width, np.float32)
        if strengths.size:
            strengths[:] = self._put_linear(first)
            if self._keep_users:
                linear = np.full(strengths.size, self._options.item_weight, np.float32)
                weights = np.concatenate([weights, linear])
                first = [table[0, :, : weights.size] for table in self._tables]
        rms = _rms_of_dots(first[0], first[1], self._user, self._item, weights)
        for table in self._tables:
            table[..., : width + strengths.size] *= np.float32(rms**-0.5)

    def _clicks(self, number: int) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
        """Returns users and items of the clicks that a fit sees."""
        seen = self._seen[number]
        return self._user[seen], self._item[seen]

    def _factorise(self, number: int) -> list[Floats]:
        """Returns the factors of users and items, fitted to clicks and to pools."""
        options, pools, num_users = self._options, self._pools[number], self._sizes[0]

        def fit() -> list[Floats]:
            user, item = _with_pools(*self._clicks(number), num_users, pools)
            weight = _weights(user, num_users, options.pool_weight)
            shape = num_users + len(pools), self._sizes[1]
            users, items = factorise(user, item, shape, options, weight)
            return [users[:num_users], items]

        of_factors = {
            field.name: getattr(options, field.name)
            for field in dataclasses.fields(options)
            if not field.name.startswith(_OF_OTHERS)
        }
        key = *of_factors.values(), options.pool_weight if len(pools) else 0.0
        return self._kept.get(("factors", self._first_user, number), key, fit)

    def _fit_linear(self, number: int) -> ItemModel:
        """Fits the linear model of items, which is told nothing of pools."""
        options, features, clicks = self._options, self._features, self._clicks(number)
        width, power = options.item_factors, options.item_power
        told = 0.0
        if features is not None and clicks[0].size:
            told = options.feature_weight

        def decompose() -> DecomposedClicks:
            further = None
            if features is not None and told:
                further = _as_users(features, clicks[0], told)
            return decompose_clicks(
                *(*clicks, self._sizes),
                width=width,
                power=power,
                further=further,
                keep_users=self._keep_users,
            )

        place = "linear", self._first_user, number
        fitted = self._kept.get(place, (width, power, told), decompose)
        return fitted.model(options.item_l2)

    def _put_linear(self, first: Sequence[Floats]) -> Floats:
        """Fits the linear model of each fit and puts it behind the factors.

        Args:
            first: The factors of users and of items, of the first fit.

        Returns:
            The strengths of the first fit, float32 [L].
        """
        for number, seen in enumerate(self._seen):
            if not number or not np.array_equal(seen, self._seen[number - 1]):
                linear = self._fit_linear(number)
            units = slice(-1 - linear.strengths.size, -1)
            if not number:
                strengths = linear.strengths
                scales = self._scales_of_linear(first, linear)
            users = linear.users if self._keep_users else self._mean(number, linear)
            self._put(number, units, users * scales[0], linear.items * scales[1])
            self._tables[1][number, :, -1] = linear.click_weights
        return strengths

    def _scales_of_linear(
        self, first: Sequence[Floats], linear: ItemModel
    ) -> NDArray[np.float64]:
        """Returns what scales the linear model to the factors; 0 if it has no spread.

        Args:
            first: float32 [users, D] and [items, D], of the first fit.
            linear: That of the first fit.

        Returns:
            float64 [2], of users and of items: dot products spread as those of the
            factors, and so do those of the mean click of a user.
        """
        counts = np.bincount(self._user, minlength=self._sizes[0])[:, np.newaxis]
        covariance = _covariance(linear.items)
        of_users, of_means = [], []
        for some, users in self._linear_users(linear):
            means = (users / np.maximum(counts[some], 1))[counts[some, 0] > 0]
            of_users.append(_spreads(users, covariance))
            of_means.append(_spreads(means, covariance))
        spread = _spreads(first[0], _covariance(first[1])).mean()
        own = np.concatenate(of_users).mean()
        by_click = np.concatenate(of_means)
        of_mean = float(by_click.mean()) if by_click.size else 0.0
        least = _NO_SPREAD * float(np.abs(linear.items).max())
        if not spread or min(own, of_mean) <= least:
            return np.zeros(2)
        by_item = np.sqrt(spread / of_mean)
        return np.array([spread / own / by_item, by_item])

    def _linear_users(self, linear: ItemModel) -> Iterator[tuple[slice, Floats]]:
        """Yields vectors of users of the first fit, which sees all clicks."""
        if self._keep_users:
            yield slice(None), linear.users
            return
        ones = np.ones(self._user.size, np.float32)
        of_users = scipy.sparse.csr_matrix(
            (ones, (self._user, self._item)), shape=self._sizes
        )
        of_clicks = linear.clicks()
        for start in range(0, self._sizes[0], _USERS_AT_ONCE):
            some = slice(start, start + _USERS_AT_ONCE)
            yield some, of_users[some] @ of_clicks

    def _to_keep(self, number: int, users: Floats) -> Floats:
        """Returns vectors of users, or the mean of those with a click in a fit."""
        if self._keep_users:
            return users
        has_click = np.bincount(self._clicks(number)[0], minlength=len(users)) > 0
        return mean_row(users[has_click])[np.newaxis]

    def _mean(self, number: int, linear: ItemModel) -> Floats:
        """Returns the same mean in the linear model, float32 [1, L]."""
        user, item = self._clicks(number)
        counts = np.bincount(item, minlength=self._sizes[1]).astype(np.float32)
        total = counts[np.newaxis] @ linear.clicks()
        return total / np.float32(max(1, np.unique(user).size))

    def _put(self, number: int, units: slice, users: Floats, items: Floats) -> None:
        """Puts units of users and items into the tables of a fit."""
        for table, part in zip(self._tables, (users, items), strict=True):
            table[number, :, units] = part


def _as_users(features: NDArray, user: NDArray[np.integer], weight: float) -> NDArray:
    """Returns columns of features scaled to the clicks of so many mean users."""
    of_a_user = user.size / np.unique(user).size
    norms = np.linalg.norm(features, axis=0)
    return features * (np.sqrt(weight * of_a_user) / np.where(norms, norms, 1.0))


def _own_pools(pools: Pools, of_items: slice) -> list[NDArray[np.integer]]:
    """Returns the pools of one domain, as rows of it."""
    return [
        pool - of_items.start
        for pool in pools
        if pool.size and of_items.start <= pool[0] < of_items.stop
    ]


def _with_pools(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    num_users: int,
    pools: Pools,
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Adds the pairs of one further user for each pool."""
    owners = [np.full(len(pool), num_users + row) for row, pool in enumerate(pools)]
    return np.concatenate([user, *owners]), np.concatenate([item, *pools])


def _weights(user: NDArray[np.integer], num_users: int, pool_weight: float) -> Floats:
    """Returns what each pair weighs, those of the further users as their pool does."""
    return np.where(user < num_users, 1.0, pool_weight).astype(np.float32)


def _covariance(items: Floats) -> Floats:
    """Returns the covariance of the units of items, float32 [D, D]."""
    centred = items - items.mean(axis=0)
    return centred.T @ centred / len(items)


def _spreads(users: NDArray[np.floating], covariance: Floats) -> NDArray[np.float64]:
    """Returns the standard deviation of the scores of each user, float64 [users]."""
    squares = np.einsum("ud,ud->u", users @ covariance, users, dtype=np.float64)
    return np.sqrt(np.maximum(squares, 0.0))


def _rms_of_dots(
    users: Floats,
    items: Floats,
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    weights: Floats,
) -> float:
    """Returns the root mean square of the dot products of clicks; 1 if it is 0."""
    if not user.size:
        return 1.0
    dots = np.empty(user.size)
    for start in range(0, user.size, _CLICKS_AT_ONCE):
        some = slice(start, start + _CLICKS_AT_ONCE)
        pairs = users[user[some]] * weights, items[item[some]]
        dots[some] = np.einsum("nd,nd->n", *pairs, dtype=np.float64)
    return float(np.sqrt((dots**2).mean())) or 1.0
