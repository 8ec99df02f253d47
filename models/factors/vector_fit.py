"""Known clicks to vectors of users and items."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks
from models.factors.factor_fit import turn
from models.factors.factorisation import FactorisationOptions, Floats, factorise
from models.factors.item_model import item_model_vectors
from models.factors.vector_fallbacks import fill_in, rows_of
from models.factors.vectors import Vectors
from transforms.clicks.schema import Domain

Pools = Sequence[NDArray[np.integer]]

_NO_SPREAD = 1e-6  # Of scores that differ by rounding alone, beside the largest unit.


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
    masks = [np.ones(known.user.size, bool)]
    masks += [known.fold != fold for fold in range(num_folds)]
    per_fold = 2 if options.pool_weight and not dot_alone else 1
    fits = [_Fit(seen, told) for seen in masks for told in (pools, ())[:per_fold]]
    has_linear = not dot_alone or bool(options.item_weight)
    num_linear = options.item_factors if has_linear else 0
    width = options.width + num_linear + 1
    users = np.zeros([len(fits), known.num_users + 1, width], np.float32)
    items = np.zeros([len(fits), known.num_items + 1, width], np.float32)
    for of_users, of_items in rows_of(domains):
        users[:, of_users, :-1], items[:, of_items, :-1] = _fit_domain(
            known, fits, of_users, of_items, options, has_linear=has_linear
        )
    num_fallbacks = tuple(
        fill_in(
            users[number],
            items[number],
            known,
            fit.seen,
            domains,
            fit.pools,
            pools_weigh=bool(options.pool_weight),
        )
        for number, fit in enumerate(fits)
    )
    return Vectors(users, items, num_fallbacks, num_linear + 1, num_linear, per_fold)


def _fit_domain(
    known: KnownClicks,
    fits: Sequence[_Fit],
    of_users: slice,
    of_items: slice,
    options: FactorisationOptions,
    *,
    has_linear: bool,
) -> tuple[Floats, Floats]:
    """Fits one domain without fallbacks, float32 [fits, users or items of it, D]."""
    inside = (known.user >= of_users.start) & (known.user < of_users.stop)
    user = known.user[inside] - of_users.start
    item = known.item[inside] - of_items.start
    num_users, num_items = (rows.stop - rows.start for rows in (of_users, of_items))
    pairs, linear = [], []
    for fit in fits:
        own_pools = _own_pools(fit.pools, of_items) if options.pool_weight else []
        shape = num_users + len(own_pools), num_items
        chosen = fit.seen[inside]
        rows = _with_pools(user[chosen], item[chosen], num_users, own_pools)
        weight = np.ones(rows[0].size, np.float32)
        weight[int(chosen.sum()) :] = options.pool_weight
        users, items = factorise(*rows, shape, options, weight)
        pairs.append((users[:num_users], items))
        if has_linear:
            width, l2 = options.item_factors, options.item_l2
            users, items = item_model_vectors(*rows, shape, weight, width=width, l2=l2)
            linear.append((users[:num_users], items))
    users, items = (np.stack(tables) for tables in zip(*pairs, strict=True))
    _turn(users, items)
    if linear:
        more = [np.stack(tables) for tables in zip(*linear, strict=True)]
        more = _scaled(users[0], items[0], more, user, options.item_weight)
        users = np.concatenate([users, more[0]], axis=-1, dtype=np.float32)
        items = np.concatenate([items, more[1]], axis=-1, dtype=np.float32)
    scale = _scale(users[0], items[0], user, item)
    return users * scale, items * scale


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


def _scaled(
    users: Floats,
    items: Floats,
    linear: Sequence[Floats],
    user: NDArray[np.integer],
    weight: float,
) -> list[Floats]:
    """Scales the linear model to the factors; its items alone if it weighs nothing.

    Args:
        users: float32 [users, D], factors of the first fit.
        items: float32 [items, D].
        linear: Users and items of the linear model, float32 [fits, ..., L].
        user: int [N], the user of each click.
        weight: By how much of the spread of the factors' scores its own are to spread.
    """
    spread, own = _spread(users, items), _spread(linear[0][0], linear[1][0])
    counts = np.bincount(user, minlength=len(users))[:, np.newaxis]
    means = (linear[0][0] / np.maximum(counts, 1))[counts[:, 0] > 0]
    of_means = _spread(means, linear[1][0]) if len(means) else 0.0
    if not spread or min(own, of_means) <= _NO_SPREAD * float(np.abs(linear[1]).max()):
        return [np.zeros_like(table) for table in linear]
    by_item = np.sqrt(spread / of_means)
    return [linear[0] * (weight * spread / own / by_item), linear[1] * by_item]


def _spread(users: Floats, items: Floats) -> float:
    """Returns the standard deviation of the scores of a user, the mean over users."""
    centred = items - items.mean(axis=0)
    covariance = centred.T @ centred / len(items)
    squares = np.einsum("ud,ud->u", users @ covariance, users, dtype=np.float64)
    return float(np.sqrt(np.maximum(squares, 0.0)).mean())


def _turn(users: Floats, items: Floats) -> None:
    """Turns every fit to agree with the first one, in place; dot products stay."""
    reference = np.concatenate([users[0], items[0]])
    for number in range(1, len(users)):
        both = np.concatenate([users[number], items[number]])
        turned = both @ turn(both, reference)
        users[number], items[number] = np.split(turned, [users.shape[1]])


def _scale(
    users: Floats,
    items: Floats,
    user: NDArray[np.integer],
    item: NDArray[np.integer],
) -> np.float32:
    """Returns what brings dot products of clicks to a root mean square of 1."""
    if not user.size:
        return np.float32(1.0)
    squares = np.einsum("nd,nd->n", users[user], items[item], dtype=np.float64) ** 2
    rms = float(np.sqrt(squares.mean()))
    return np.float32(rms**-0.5 if rms else 1.0)
