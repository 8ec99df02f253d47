"""What users and items without a vector of their own get, and what features say."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.factors.factorisation import Floats
from transforms.clicks.schema import Domain

_SHRUNK = 0.1
_RIDGE = 30.0  # Of a column of the design, in items.
_ITEMS_AT_ONCE = 1 << 14  # Whose vectors are predicted.


def rows_of(domains: Sequence[Domain]) -> Iterator[tuple[slice, slice]]:
    """Yields the rows of users and of items of each domain."""
    first_user = first_item = 1
    for domain in domains:
        of_users = slice(first_user, first_user + domain.num_users)
        of_items = slice(first_item, first_item + domain.num_items)
        yield of_users, of_items
        first_user, first_item = of_users.stop, of_items.stop


def fill_in_users(
    users: Floats, has_user: NDArray[np.bool_], domains: Sequence[Domain]
) -> None:
    """Gives users without a vector of their own that of others, in place.

    Args:
        users: float32 [num_users + 1, D], of one fit.
        has_user: bool [num_users + 1], which of them have one of their own.
        domains: The domains, in the order of their rows.
    """
    for of_users, _ in rows_of(domains):
        others = mean_row(users[of_users][has_user[of_users]])
        users[of_users][~has_user[of_users]] = others
    users[0] = mean_row(users[has_user])


def fill_in_items(
    items: Floats,
    has_item: NDArray[np.bool_],
    domains: Sequence[Domain],
    pools: Sequence[NDArray[np.integer]],
) -> None:
    """Gives items without a vector of their own that of others, in place.

    Args:
        items: float32 [num_items + 1, D], of one fit.
        has_item: bool [num_items + 1], which of them have one of their own.
        domains: The domains, in the order of their rows.
        pools: Item rows of each scenario that the fit may know.
    """
    in_pool = _fill_from_pools(items, has_item, pools)
    lacks_item = ~(has_item | in_pool)
    for _, of_items in rows_of(domains):
        others = mean_row(items[of_items][has_item[of_items]])
        items[of_items][lacks_item[of_items]] = others
    items[0] = mean_row(items[has_item])
    items[~has_item] *= _SHRUNK


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


def mean_row(table: Floats) -> Floats:
    """Returns the mean row; zeros if there is no row."""
    return (
        table.mean(axis=0) if len(table) else np.zeros_like(table, shape=table.shape[1])
    )


def blend_with_features(
    items: Floats, counts: NDArray, design: NDArray, clicks: float
) -> NDArray[np.bool_]:
    """Moves vectors towards what features predict, in place.

    A ridge regression of the vectors of clicked items on their features predicts those
    of all. An item with n clicks keeps n / (n + k) of its own vector, one without a
    click nothing, one without a known feature all.

    Args:
        items: float32 [N, D].
        counts: float [N], n, of which pools may be a part.
        design: float [N, P], as `EntityDesign.matrix`.
        clicks: k, at least 0.

    Returns:
        bool [N], the items with a known feature; none where no item is clicked.
    """
    is_clicked = counts >= 1
    has_feature = (design != 0).any(axis=1) & is_clicked.any()
    own = np.where(counts > 0, counts / np.maximum(counts + clicks, 1e-9), 0.0)
    (places,) = np.nonzero(has_feature & (own < 1.0))
    if places.size:
        weights = _ridge(design[is_clicked], items[is_clicked])
    for start in range(0, len(places), _ITEMS_AT_ONCE):
        some = places[start : start + _ITEMS_AT_ONCE]
        share = own[some, np.newaxis].astype(np.float32)
        predicted = (_with_constant(design[some]) @ weights).astype(np.float32)
        items[some] = share * items[some] + (1.0 - share) * predicted
    return has_feature


def _ridge(design: NDArray, vectors: Floats) -> NDArray[np.floating]:
    """Returns the weights of a constant, which has no ridge, and of the columns."""
    columns = _with_constant(design)
    gram = columns.T @ columns
    gram[np.diag_indices_from(gram)] += _RIDGE
    gram[0, 0] = max(len(design), 1)
    return np.linalg.solve(gram, columns.T @ vectors.astype(np.float64))


def _with_constant(design: NDArray) -> NDArray[np.float64]:
    return np.concatenate([np.ones([len(design), 1]), design], axis=1)
