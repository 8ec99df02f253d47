"""Vectors of users and items from collaborative filtering, in fold and out of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks
from models.factors.factor_fit import turn
from models.factors.factorisation import FactorisationOptions, Floats, factorise
from models.factors.item_model import item_model_vectors
from transforms.clicks.schema import Domain

# Where known clicks have a dot product of 1, hardly a clicked item falls to -1.
_UNCLICKED = -2.0
_SHRUNK = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of users and items from several fits. Row 0 is the unknown entity.

    Fit 0 has seen all known clicks, fit f + 1 all but those of fold f. The fits are
    turned to agree, so that one unit means the same in all of them.

    Attributes:
        users: float32 [F + 1, num_users + 1, D].
        items: float32 [F + 1, num_items + 1, D].
        num_fallbacks: Users and items without a click in each fit, which have the
            vector of others: (users, items) by fit.
        num_further: Units at the end that count in the dot product alone, and that no
            pair is embedded by.
    """

    users: Floats
    items: Floats
    num_fallbacks: tuple[tuple[int, int], ...] = ()
    num_further: int = 0

    def embedding(self) -> Vectors:
        """Returns the units that pairs are embedded by."""
        width = self.users.shape[-1] - self.num_further
        return Vectors(
            self.users[..., :width], self.items[..., :width], self.num_fallbacks
        )


def fit_vectors(
    known: KnownClicks,
    domains: Sequence[Domain],
    pools: Sequence[NDArray[np.integer]],
    options: FactorisationOptions,
    num_folds: int,
) -> Vectors:
    """Fits vectors to all known clicks, and without each fold.

    Each domain is fitted by itself, since domains share nothing, and brought to one
    scale: dot products of known clicks have a root mean square of 1.

    Where the options weigh pools, they are rows of further users, whose vectors are
    dropped; where they weigh the linear model of items, its vectors follow those of the
    factorisation, so that the dot product of all is the blend of the two.

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
        num_folds: F, folds to be left out in turn; 0 for fit 0 alone.

    Returns:
        F + 1 fits; no pair is embedded by the linear model of items, nor by the unit.
    """
    fits = [np.ones(known.user.size, bool)]
    fits += [known.fold != fold for fold in range(num_folds)]
    num_further = 1 + (options.item_factors if options.item_weight else 0)
    width = options.width + num_further
    users = np.zeros([len(fits), known.num_users + 1, width], np.float32)
    items = np.zeros([len(fits), known.num_items + 1, width], np.float32)
    for of_users, of_items in _rows_of(domains):
        users[:, of_users, :-1], items[:, of_items, :-1] = _fit_domain(
            known, pools, fits, of_users, of_items, options
        )
    in_pool = np.zeros(known.num_items + 1, bool)
    if options.pool_weight:
        in_pool[np.concatenate([*pools, []]).astype(np.intp)] = True
    num_fallbacks = tuple(
        _fill_in(users[number], items[number], known, seen, in_pool, domains, pools)
        for number, seen in enumerate(fits)
    )
    return Vectors(users, items, num_fallbacks, num_further)


def _rows_of(domains: Sequence[Domain]) -> Iterator[tuple[slice, slice]]:
    """Yields the rows of users and of items of each domain."""
    first_user = first_item = 1
    for domain in domains:
        of_users = slice(first_user, first_user + domain.num_users)
        of_items = slice(first_item, first_item + domain.num_items)
        yield of_users, of_items
        first_user, first_item = of_users.stop, of_items.stop


def _fit_domain(
    known: KnownClicks,
    pools: Sequence[NDArray[np.integer]],
    fits: Sequence[NDArray[np.bool_]],
    of_users: slice,
    of_items: slice,
    options: FactorisationOptions,
) -> tuple[Floats, Floats]:
    """Fits one domain without fallbacks, float32 [F + 1, users or items of it, D]."""
    inside = (known.user >= of_users.start) & (known.user < of_users.stop)
    user = known.user[inside] - of_users.start
    item = known.item[inside] - of_items.start
    num_users, num_items = (rows.stop - rows.start for rows in (of_users, of_items))
    own_pools = [
        pool - of_items.start
        for pool in (pools if options.pool_weight else ())
        if pool.size and of_items.start <= pool[0] < of_items.stop
    ]
    shape = num_users + len(own_pools), num_items
    pairs, linear = [], []
    for seen in fits:
        chosen = seen[inside]
        rows = _with_pools(user[chosen], item[chosen], num_users, own_pools)
        weight = np.ones(rows[0].size, np.float32)
        weight[int(chosen.sum()) :] = options.pool_weight
        users, items = factorise(*rows, shape, options, weight)
        pairs.append((users[:num_users], items))
        if options.item_weight:
            width, l2 = options.item_factors, options.item_l2
            users, items = item_model_vectors(*rows, shape, weight, width=width, l2=l2)
            linear.append((users[:num_users], items))
    users, items = (np.stack(tables) for tables in zip(*pairs, strict=True))
    _turn(users, items)
    if linear:
        more = [np.stack(tables) for tables in zip(*linear, strict=True)]
        spread = _spread(users[0], items[0]), _spread(more[0][0], more[1][0])
        scale = np.sqrt(options.item_weight * spread[0] / spread[1] if spread[1] else 0)
        users = np.concatenate([users, more[0] * scale], axis=-1, dtype=np.float32)
        items = np.concatenate([items, more[1] * scale], axis=-1, dtype=np.float32)
    scale = _scale(users[0], items[0], user, item)
    return users * scale, items * scale


def _with_pools(
    user: NDArray[np.integer],
    item: NDArray[np.integer],
    num_users: int,
    pools: Sequence[NDArray[np.integer]],
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Adds the pairs of one further user for each pool."""
    owners = [np.full(len(pool), num_users + row) for row, pool in enumerate(pools)]
    return np.concatenate([user, *owners]), np.concatenate([item, *pools])


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


def _fill_in(
    users: Floats,
    items: Floats,
    known: KnownClicks,
    seen: NDArray[np.bool_],
    is_placed: NDArray[np.bool_],
    domains: Sequence[Domain],
    pools: Sequence[NDArray[np.integer]],
) -> tuple[int, int]:
    """Gives users and items without a vector of their own that of others, in place."""
    has_user = np.bincount(known.user[seen], minlength=len(users)) > 0
    has_item = np.bincount(known.item[seen], minlength=len(items)) > 0
    has_item |= is_placed
    in_pool = _fill_from_pools(items, has_item, pools)
    lacks_item = ~(has_item | in_pool)
    for of_users, of_items in _rows_of(domains):
        user_mean = _mean(users[of_users][has_user[of_users]])
        item_mean = _mean(items[of_items][has_item[of_items]])
        users[of_users][~has_user[of_users]] = user_mean
        items[of_items][lacks_item[of_items]] = item_mean
    users[0], items[0] = _mean(users[has_user]), _mean(items[has_item])
    items[~has_item] *= _SHRUNK
    users[:, -1], items[~has_item, -1] = 1.0, _UNCLICKED
    return int((~has_user[1:]).sum()), int((~has_item[1:]).sum())


def _fill_from_pools(
    items: Floats, has_item: NDArray[np.bool_], pools: Sequence[NDArray[np.integer]]
) -> NDArray[np.bool_]:
    """Gives items without a click the mean of their pools, in place.

    Returns:
        bool [num_items + 1], the items that have got one.
    """
    sums, counts = np.zeros_like(items), np.zeros(len(items))
    for pool in pools:
        clicked, others = pool[has_item[pool]], pool[~has_item[pool]]
        if clicked.size:
            sums[others] += items[clicked].mean(axis=0)
            counts[others] += 1
    in_pool: NDArray[np.bool_] = counts > 0
    items[in_pool] = sums[in_pool] / counts[in_pool, np.newaxis]
    return in_pool


def _mean(table: Floats) -> Floats:
    """Returns the mean row; zeros if there is no row."""
    return (
        table.mean(axis=0) if len(table) else np.zeros_like(table, shape=table.shape[1])
    )
