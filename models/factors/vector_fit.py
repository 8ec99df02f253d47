"""Known clicks to vectors of users and items."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks
from models.factors.factor_fit import turn
from models.factors.factorisation import FactorisationOptions, Floats, factorise
from models.factors.item_model import ItemModel, fit_item_model
from models.factors.vector_fallbacks import fill_in, rows_of
from models.factors.vectors import Vectors
from transforms.clicks.schema import Domain

Pools = Sequence[NDArray[np.integer]]

# Where known clicks have a dot product of 1, hardly a clicked item falls to -1.
_UNCLICKED = -2.0
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
    dot_alone: bool = False,
) -> Vectors:
    """Fits vectors to all known clicks, and without each fold.

    Each domain is fitted by itself, since domains share nothing, and brought to one
    scale: dot products of known clicks have a root mean square of 1.

    Where the options weigh pools, they are rows of further users, whose vectors are
    dropped; each fit then has a second one beside it that is told nothing of pools. The
    vectors of the linear model of items follow those of the factorisation, those of
    users with the weight of the options, so that the dot product of all is the blend of
    the two. Those of items spread the closeness to the mean of a user's clicks as the
    dot product spreads.

    An entity without a click in a fit gets the vector of others there: an item, if no
    pool that weighs has it, a tenth of the mean over the clicked items of the pools it
    is in, else of its domain; a user the mean user of their domain; the unknown
    entities, row 0, that of all. Without any click to take a mean over, it is 0.

    The mean vector has the popularity of others, which nobody has shown for such an
    item. So a last unit, 1 for users, is 0 for items with a vector of their own and -2
    for others: these stand behind, their pools order them among themselves.

    Args:
        known: The known clicks.
        domains: The domains, in the order of their rows.
        pools: Item rows of each scenario.
        options: The factorisation.
        num_folds: F, folds to be left out in turn; 0 for fits to all clicks alone.
        dot_alone: Whether only what the dot product of the first fit needs is made.

    Returns:
        F + 1 groups of fits.
    """
    per_fold = 2 if options.pool_weight and not dot_alone else 1
    fits = _fits_of(known, (pools, ())[:per_fold], num_folds)
    has_linear = not dot_alone or bool(options.item_weight)
    num_linear = options.item_factors if has_linear else 0
    num_further = num_linear + (2 if num_linear else 1)
    units = options.width + num_linear
    users, items = (
        np.zeros([len(fits), rows + 1, options.width + num_further], np.float32)
        for rows in (known.num_users, known.num_items)
    )
    strengths = np.zeros([len(domains), num_linear], np.float32)
    for number, (of_users, of_items) in enumerate(rows_of(domains)):
        tables = users[:, of_users, :-1], items[:, of_items, :-1]
        _fit_domain(known, fits, of_users, of_items, options, tables, strengths[number])
    users[..., -1] = 1.0
    num_fallbacks = [
        _fill_in_fit(users[number], items[number], known, fit, domains, options, units)
        for number, fit in enumerate(fits)
    ]
    return Vectors(
        users,
        items,
        tuple(num_fallbacks),
        num_further,
        num_linear,
        per_fold,
        strengths.mean(axis=0),
        options.item_clicks,
    )


def _fill_in_fit(
    users: Floats,
    items: Floats,
    known: KnownClicks,
    fit: _Fit,
    domains: Sequence[Domain],
    options: FactorisationOptions,
    units: int,
) -> tuple[int, int]:
    """Fills the units of one fit in, in place; a click of what it lacks weighs 1.

    Returns:
        How many users and items lacked a vector of their own.
    """
    lack_user, lack_item = fill_in(
        users[:, :units],
        items[:, :units],
        known,
        fit.seen,
        domains,
        fit.pools,
        pools_weigh=bool(options.pool_weight),
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
    tables: tuple[Floats, Floats],
    strengths: Floats,
) -> None:
    """Fits one domain without fallbacks, in place: vectors are too many for a copy.

    Args:
        known: The known clicks.
        fits: What each fit sees.
        of_users: Rows of the domain.
        of_items: Rows of the domain.
        options: The factorisation.
        tables: float32 [fits, users or items of the domain, D + L + 1], to be filled,
            the weights of clicks behind; [.., D] where the linear model is of no use.
        strengths: float32 [L], of the linear model of the first fit, to be filled.
    """
    inside = (known.user >= of_users.start) & (known.user < of_users.stop)
    user = known.user[inside] - of_users.start
    item = known.item[inside] - of_items.start
    num_users, num_items = (table.shape[1] for table in tables)
    for number, fit in enumerate(fits):
        seen = fit.seen[inside]
        own_pools = _own_pools(fit.pools, of_items) if options.pool_weight else []
        rows = _with_pools(user[seen], item[seen], num_users, own_pools)
        weight = _weights(rows[0], num_users, options.pool_weight)
        shape = num_users + len(own_pools), num_items
        users, items = factorise(*rows, shape, options, weight)
        factors = np.concatenate([users[:num_users], items])
        if not number:
            reference = factors
        else:  # To agree with the first one; dot products stay.
            factors = factors @ turn(factors, reference)
        parts = np.split(factors, [num_users])
        _put(tables, number, slice(options.width), parts)
        if tables[0].shape[-1] == options.width:
            continue
        linear = _fit_linear(rows, shape, weight, options)
        ours = linear.users[:num_users], linear.items
        if not number:
            scales = _scales_of_linear(parts, ours, user, options.item_weight)
            strengths[:] = linear.strengths
        ours = ours[0] * scales[0], ours[1] * scales[1]
        _put(tables, number, slice(options.width, -1), ours)
        tables[1][number, :, -1] = linear.click_weights
    unit = _scale(tables[0][0], tables[1][0], user, item)
    for table in tables:
        table[..., : options.width + strengths.size] *= unit


def _fit_linear(
    rows: tuple[NDArray[np.integer], NDArray[np.integer]],
    shape: tuple[int, int],
    weight: Floats,
    options: FactorisationOptions,
) -> ItemModel:
    """Fits the linear model of items to rows of users and items."""
    return fit_item_model(
        *rows,
        shape,
        weight,
        width=options.item_factors,
        l2=options.item_l2,
        power=options.item_power,
    )


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
    weight: float,
) -> NDArray[np.float64]:
    """Returns what scales the linear model to the factors; 0 if it has no spread.

    Args:
        factors: float32 [users, D] and [items, D] of the first fit.
        linear: float32 [users, L] and [items, L] of the first fit.
        user: int [N], the user of each click.
        weight: By how much of the spread of the factors' scores its own are to spread.

    Returns:
        float64 [2], of users, 0 if the weight is, and of items.
    """
    spread, own = _spread(*factors), _spread(*linear)
    counts = np.bincount(user, minlength=len(factors[0]))[:, np.newaxis]
    means = (linear[0] / np.maximum(counts, 1))[counts[:, 0] > 0]
    of_means = _spread(means, linear[1]) if len(means) else 0.0
    if not spread or min(own, of_means) <= _NO_SPREAD * float(np.abs(linear[1]).max()):
        return np.zeros(2)
    by_item = np.sqrt(spread / of_means)
    return np.array([weight * spread / own / by_item, by_item])


def _spread(users: NDArray[np.floating], items: Floats) -> float:
    """Returns the standard deviation of the scores of a user, the mean over users."""
    centred = items - items.mean(axis=0)
    covariance = centred.T @ centred / len(items)
    squares = np.einsum("ud,ud->u", users @ covariance, users, dtype=np.float64)
    return float(np.sqrt(np.maximum(squares, 0.0)).mean())


def _scale(
    users: Floats,
    items: Floats,
    user: NDArray[np.integer],
    item: NDArray[np.integer],
) -> np.float32:
    """Returns what brings dot products of clicks to a root mean square of 1."""
    if not user.size:
        return np.float32(1.0)
    dots = np.empty(user.size)
    for start in range(0, user.size, _CLICKS_AT_ONCE):
        some = slice(start, start + _CLICKS_AT_ONCE)
        pairs = users[user[some]], items[item[some]]
        dots[some] = np.einsum("nd,nd->n", *pairs, dtype=np.float64)
    rms = float(np.sqrt((dots**2).mean()))
    return np.float32(rms**-0.5 if rms else 1.0)
