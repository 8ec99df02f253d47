"""Known clicks to vectors of users and items."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks
from models.factors.factor_fit import turn
from models.factors.factorisation import FactorisationOptions, Floats, factorise
from models.factors.item_model import DecomposedClicks, ItemModel, decompose_clicks
from models.factors.kept_fits import KeptFits
from models.factors.vector_fallbacks import blend_with_features, fill_in, rows_of
from models.factors.vectors import Vectors
from transforms.clicks.schema import Domain

Pools = Sequence[NDArray[np.integer]]

# Where known clicks have a dot product of 1, hardly a clicked item falls to -1.
_UNCLICKED = -2.0
# What the options of all but the factors begin with.
_OF_OTHERS = ("item_", "open_", "pool_", "count_", "mean_", "feature_")
_NO_SPREAD = 1e-6  # Of scores that differ by rounding alone, beside the largest unit.
_CLICKS_AT_ONCE = 1 << 16  # Whose vectors are looked up.


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

    Returns:
        F + 1 groups of fits.
    """
    per_fold = 2 if options.pool_weight and not dot_alone else 1
    fits = _fits_of(known, (pools, ())[:per_fold], num_folds)
    has_linear = not dot_alone or bool(options.item_weight)
    num_linear = options.item_factors if has_linear else 0
    num_further = num_linear + (2 if num_linear else 1)
    users, items = _no_vectors(known, len(fits), options.width + num_further)
    strengths = np.zeros([len(domains), num_linear], np.float32)
    kept = kept or KeptFits(0)
    for rows, of_domain in zip(rows_of(domains), strengths, strict=True):
        tables = users[:, rows[0], :-1], items[:, rows[1], :-1]
        told = None if features is None else features[rows[1]]
        _DomainFit(known, fits, rows, options, told, tables, kept).run(of_domain)
    users[..., -1] = 1.0
    fill_in_fit = functools.partial(
        _fill_in_fit, known=known, domains=domains, options=options, features=features
    )
    return Vectors(
        users,
        items,
        tuple(map(fill_in_fit, users, items, fits)),
        num_further,
        num_linear,
        per_fold,
        options.blends,
        strengths.mean(axis=0),
        options.item_clicks,
        options.count_weight,
        options.mean_weight,
    )


def _no_vectors(known: KnownClicks, num_fits: int, width: int) -> list[Floats]:
    """Returns tables of users and of items to be filled, [fits, rows + 1, width]."""
    numbers = known.num_users, known.num_items
    return [np.zeros([num_fits, rows + 1, width], np.float32) for rows in numbers]


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
    lack_user, lack_item = fill_in(
        *(users[:, :units], items[:, :units]),
        np.bincount(known.user[fit.seen], minlength=len(users)) > 0,
        has_item,
        domains,
        fit.pools,
    )
    items[lack_item, units:-1] = 1.0
    items[lack_item, -1] = _UNCLICKED
    return int(lack_user[1:].sum()), int(lack_item[1:].sum())


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
        features: float [items of the domain, P], or None.
        tables: float32 [fits, users or items of the domain, D + L + 1], to be filled,
            the weights of clicks behind; [.., D] where the linear model is of no use.
        kept: What has been fitted before.
    """

    def __init__(
        self,
        known: KnownClicks,
        fits: Sequence[_Fit],
        rows: tuple[slice, slice],
        options: FactorisationOptions,
        features: NDArray | None,
        tables: tuple[Floats, Floats],
        kept: KeptFits,
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
        self._features = features
        self._tables = tables
        self._sizes = tables[0].shape[1], tables[1].shape[1]
        self._kept = kept

    def run(self, strengths: Floats) -> None:
        """Fills the tables, and the strengths of the linear model of the first fit."""
        width, users = self._options.width, self._sizes[0]
        for number in range(len(self._seen)):
            parts = self._factorise(number)
            if not number:
                reference = np.concatenate(parts)
            else:  # To agree with the first one; dot products stay.
                factors = np.concatenate(parts)
                parts = np.split(factors @ turn(factors, reference), [users])
            self._put(number, slice(width), parts)
        weights = np.ones(width, np.float32)
        if self._tables[0].shape[-1] > width:
            strengths[:] = self._put_linear()
            linear = np.full(strengths.size, self._options.item_weight, np.float32)
            weights = np.concatenate([weights, linear])
        of_units = [table[..., : weights.size] for table in self._tables]
        firsts = of_units[0][0], of_units[1][0]
        rms = _rms_of_dots(*firsts, self._user, self._item, weights)
        for table in of_units:
            table *= np.float32(rms**-0.5)

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
                *clicks, self._sizes, width=width, power=power, further=further
            )

        place = "linear", self._first_user, number
        fitted = self._kept.get(place, (width, power, told), decompose)
        return fitted.model(options.item_l2)

    def _put_linear(self) -> Floats:
        """Fits the linear model of each fit and puts it behind the factors.

        Returns:
            The strengths of the first fit, float32 [L].
        """
        for number, seen in enumerate(self._seen):
            if not number or not np.array_equal(seen, self._seen[number - 1]):
                linear = self._fit_linear(number)
            units = slice(-1 - linear.strengths.size, -1)
            if not number:
                strengths = linear.strengths
                factors = [table[0, :, : units.start] for table in self._tables]
                own = linear.users, linear.items
                scales = _scales_of_linear(factors, own, self._user)
            scaled = linear.users * scales[0], linear.items * scales[1]
            self._put(number, units, scaled)
            self._tables[1][number, :, -1] = linear.click_weights
        return strengths

    def _put(
        self, number: int, units: slice, parts: Sequence[NDArray[np.floating]]
    ) -> None:
        """Puts units of users and items into the tables of a fit."""
        for table, part in zip(self._tables, parts, strict=True):
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


def _scales_of_linear(
    factors: Sequence[Floats],
    linear: Sequence[Floats],
    user: NDArray[np.integer],
) -> NDArray[np.float64]:
    """Returns what scales the linear model to the factors; 0 if it has no spread.

    Args:
        factors: float32 [users, D] and [items, D] of the first fit.
        linear: float32 [users, L] and [items, L] of the first fit.
        user: int [N], the user of each click.

    Returns:
        float64 [2], of users and of items: dot products spread as those of the factors,
        and so do those of the mean click of a user.
    """
    spread, own = _spread(*factors), _spread(*linear)
    counts = np.bincount(user, minlength=len(factors[0]))[:, np.newaxis]
    means = (linear[0] / np.maximum(counts, 1))[counts[:, 0] > 0]
    of_means = _spread(means, linear[1]) if len(means) else 0.0
    if not spread or min(own, of_means) <= _NO_SPREAD * float(np.abs(linear[1]).max()):
        return np.zeros(2)
    by_item = np.sqrt(spread / of_means)
    return np.array([spread / own / by_item, by_item])


def _spread(users: NDArray[np.floating], items: Floats) -> float:
    """Returns the standard deviation of the scores of a user, the mean over users."""
    centred = items - items.mean(axis=0)
    covariance = centred.T @ centred / len(items)
    squares = np.einsum("ud,ud->u", users @ covariance, users, dtype=np.float64)
    return float(np.sqrt(np.maximum(squares, 0.0)).mean())


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
