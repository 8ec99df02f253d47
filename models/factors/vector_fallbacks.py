"""What users and items without a vector of their own get."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.factors.factorisation import Floats
from transforms.clicks.schema import Domain

_SHRUNK = 0.1


def rows_of(domains: Sequence[Domain]) -> Iterator[tuple[slice, slice]]:
    """Yields the rows of users and of items of each domain."""
    first_user = first_item = 1
    for domain in domains:
        of_users = slice(first_user, first_user + domain.num_users)
        of_items = slice(first_item, first_item + domain.num_items)
        yield of_users, of_items
        first_user, first_item = of_users.stop, of_items.stop


def fill_in(
    users: Floats,
    items: Floats,
    has_user: NDArray[np.bool_],
    has_item: NDArray[np.bool_],
    domains: Sequence[Domain],
    pools: Sequence[NDArray[np.integer]],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Gives users and items without a vector of their own that of others, in place.

    Args:
        users: float32 [num_users + 1, D], of one fit.
        items: float32 [num_items + 1, D].
        has_user: bool [num_users + 1], which of them have one of their own.
        has_item: bool [num_items + 1], the same.
        domains: The domains, in the order of their rows.
        pools: Item rows of each scenario that the fit may know.

    Returns:
        bool [num_users + 1] and [num_items + 1], which of them lacked one.
    """
    in_pool = _fill_from_pools(items, has_item, pools)
    lacks_item = ~(has_item | in_pool)
    for of_users, of_items in rows_of(domains):
        user_mean = _mean(users[of_users][has_user[of_users]])
        item_mean = _mean(items[of_items][has_item[of_items]])
        users[of_users][~has_user[of_users]] = user_mean
        items[of_items][lacks_item[of_items]] = item_mean
    users[0], items[0] = _mean(users[has_user]), _mean(items[has_item])
    items[~has_item] *= _SHRUNK
    return ~has_user, ~has_item


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
