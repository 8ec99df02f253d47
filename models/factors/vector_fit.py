"""Known clicks to vectors of users and items."""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks
from models.factors.factor_fit import turn
from models.factors.factorisation import FactorisationOptions, Floats, factorise
from models.factors.item_model import DecomposedClicks, ItemModel, decompose_clicks
from models.factors.kept_fits import KeptFits, Place
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
        _fit_domain(known, fits, *rows, options, told, tables, of_domain, kept)
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


def _fit_domain(
    known: KnownClicks,
    fits: Sequence[_Fit],
    of_users: slice,
    of_items: slice,
    options: FactorisationOptions,
    features: NDArray | None,
    tables: tuple[Floats, Floats],
    strengths: Floats,
    kept: KeptFits,
) -> None:
    """Fits one domain without fallbacks, in place: vectors are too many for a copy.

    Args:
        known: The known clicks.
        fits: What each fit sees.
        of_users: Rows of the domain.
        of_items: Rows of the domain.
        options: The factorisation.
        features: float [items of the domain, P], or None.
        tables: float32 [fits, users or items of the domain, D + L + 1], to be filled,
            the weights of clicks behind; [.., D] where the linear model is of no use.
        strengths: float32 [L], of the linear model of the first fit, to be filled.
        kept: What has been fitted before.
    """
    inside = (known.user >= of_users.start) & (known.user < of_users.stop)
    user = known.user[inside] - of_users.start
    item = known.item[inside] - of_items.start
    sizes = tables[0].shape[1], tables[1].shape[1]
    masks = [fit.seen[inside] for fit in fits]
    for number, (fit, seen) in enumerate(zip(fits, masks, strict=True)):
        rows, place = (user[seen], item[seen]), ("factors", of_users.start, number)
        own_pools = _own_pools(fit.pools, of_items) if options.pool_weight else []
        parts = _factorise(rows, sizes, own_pools, options, kept, place)
        if not number:
            reference = np.concatenate(parts)
        else:  # To agree with the first one; dot products stay.
            factors = np.concatenate(parts)
            parts = np.split(factors @ turn(factors, reference), sizes[:1])
        _put(tables, number, slice(options.width), parts)
    weights = np.ones(options.width, np.float32)
    if tables[0].shape[-1] > options.width:
        fit_linear = functools.partial(
            _fit_linear, options, kept, of_users.start, features
        )
        strengths[:] = _put_linear(user, item, masks, tables, fit_linear)
        linear = np.full(strengths.size, options.item_weight, np.float32)
        weights = np.concatenate([weights, linear])
    of_units = [table[..., : weights.size] for table in tables]
    rms = _rms_of_dots(of_units[0][0], of_units[1][0], user, item, weights)
    for table in of_units:
        table *= np.float32(rms**-0.5)


def _factorise(
    rows: tuple[NDArray[np.integer], NDArray[np.integer]],
    sizes: tuple[int, int],
    pools: Pools,
    options: FactorisationOptions,
    kept: KeptFits,
    place: Place,
) -> list[Floats]:
    """Returns the factors of users and items, fitted to clicks and to pools."""

    def fit() -> list[Floats]:
        user, item = _with_pools(*rows, sizes[0], pools)
        weight = _weights(user, sizes[0], options.pool_weight)
        shape = sizes[0] + len(pools), sizes[1]
        users, items = factorise(user, item, shape, options, weight)
        return [users[: sizes[0]], items]

    of_factors = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(options)
        if not field.name.startswith(_OF_OTHERS)
    }
    key = *of_factors.values(), options.pool_weight if len(pools) else 0.0
    return kept.get(place, key, fit)


def _fit_linear(
    options: FactorisationOptions,
    kept: KeptFits,
    first_user: int,
    features: NDArray | None,
    number: int,
    rows: tuple[NDArray[np.integer], NDArray[np.integer]],
    sizes: tuple[int, int],
) -> ItemModel:
    """Fits the linear model of items, which is told nothing of pools."""
    width, power = options.item_factors, options.item_power
    told = 0.0 if features is None or not rows[0].size else options.feature_weight

    def decompose() -> DecomposedClicks:
        further = None
        if features is not None and told:
            further = _as_users(features, rows[0], told)
        return decompose_clicks(*rows, sizes, width=width, power=power, further=further)

    place = "linear", first_user, number
    return kept.get(place, (width, power, told), decompose).model(options.item_l2)


def _as_users(features: NDArray, user: NDArray[np.integer], weight: float) -> NDArray:
    """Returns columns of features scaled to the clicks of so many mean users."""
    of_a_user = user.size / np.unique(user).size
    norms = np.linalg.norm(features, axis=0)
    return features * (np.sqrt(weight * of_a_user) / np.where(norms, norms, 1.0))


def _put_linear(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    masks: Sequence[NDArray[np.bool_]],
    tables: tuple[Floats, Floats],
    fit_linear: Callable[..., ItemModel],
) -> Floats:
    """Fits the linear model of each fit and puts it behind the factors.

    Returns:
        The strengths of the first fit, float32 [L].
    """
    sizes = tables[0].shape[1], tables[1].shape[1]
    for number, seen in enumerate(masks):
        if not number or not np.array_equal(seen, masks[number - 1]):
            linear = fit_linear(number, (user[seen], item[seen]), sizes)
        units = slice(-1 - linear.strengths.size, -1)
        if not number:
            strengths = linear.strengths
            factors = [table[0, :, : units.start] for table in tables]
            scales = _scales_of_linear(factors, (linear.users, linear.items), user)
        ours = linear.users * scales[0], linear.items * scales[1]
        _put(tables, number, units, ours)
        tables[1][number, :, -1] = linear.click_weights
    return strengths


def _put(
    tables: Sequence[Floats],
    number: int,
    units: slice,
    parts: Sequence[NDArray[np.floating]],
) -> None:
    """Puts units of users and items into the tables of a fit."""
    for table, part in zip(tables, parts, strict=True):
        table[number, :, units] = part


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
