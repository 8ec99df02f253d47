"""Vectors of users and items from collaborative filtering, in fold and out of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import KnownClicks
from models.factors.factorisation import FactorisationOptions, Floats, factorise
from models.factors.item_factors import align
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

    An entity without a click in a fit gets the vector of others there: an item a tenth
    of the mean over the clicked items of the pools it is in, else of its domain; a user
    the mean user of their domain; the unknown entities, row 0, that of all. Without any
    click to take a mean over, the vector is 0.

    The mean vector has the popularity of others, which nobody has shown for such an
    item. So one further unit, 1 for users, is 0 for clicked items and -2 for others:
    these stand behind all that were clicked, their pools order them among themselves.

    Args:
        known: The known clicks.
        domains: The domains, in the order of their rows.
        pools: Item rows of each scenario.
        options: The factorisation.
        num_folds: F, folds to be left out in turn; 0 for fit 0 alone.

    Returns:
        F + 1 fits, D one more than the width of the factorisation.
    """
    fits = [np.ones(known.user.size, bool)]
    fits += [known.fold != fold for fold in range(num_folds)]
    width = options.width
    users = np.zeros([len(fits), known.num_users + 1, width + 1], np.float32)
    items = np.zeros([len(fits), known.num_items + 1, width + 1], np.float32)
    for of_users, of_items in _rows_of(domains):
        users[:, of_users, :width], items[:, of_items, :width] = _fit_domain(
            known, fits, of_users, of_items, options
        )
    num_fallbacks = tuple(
        _fill_in(users[number], items[number], known, seen, domains, pools)
        for number, seen in enumerate(fits)
    )
    return Vectors(users, items, num_fallbacks, num_further=1)


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
    fits: Sequence[NDArray[np.bool_]],
    of_users: slice,
    of_items: slice,
    options: FactorisationOptions,
) -> tuple[Floats, Floats]:
    """Fits one domain without fallbacks, float32 [F + 1, users or items of it, D]."""
    inside = (known.user >= of_users.start) & (known.user < of_users.stop)
    user = known.user[inside] - of_users.start
    item = known.item[inside] - of_items.start
    shape = of_users.stop - of_users.start, of_items.stop - of_items.start
    pairs = []
    for seen in fits:
        chosen = seen[inside]
        pairs.append(factorise(user[chosen], item[chosen], shape, options))
    users, items = (np.stack(tables) for tables in zip(*pairs, strict=True))
    _turn(users, items)
    scale = _scale(users[0], items[0], user, item)
    return users * scale, items * scale


def _turn(users: Floats, items: Floats) -> None:
    """Turns every fit to agree with the first one, in place; dot products stay."""
    reference = np.concatenate([users[0], items[0]])
    for number in range(1, len(users)):
        both = np.concatenate([users[number], items[number]])
        turned = align(both, reference)
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
    domains: Sequence[Domain],
    pools: Sequence[NDArray[np.integer]],
) -> tuple[int, int]:
    """Gives users and items without a click in a fit the vector of others, in place."""
    has_user = np.bincount(known.user[seen], minlength=len(users)) > 0
    has_item = np.bincount(known.item[seen], minlength=len(items)) > 0
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
