"""The pairs of users and items as matrices, some users at a time, to sum over."""

import dataclasses

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_USERS_AT_ONCE = 1 << 14  # At least.
_ITEMS_OF_USER = 4  # At most, in a block: it makes a sum for every item there is.


@dataclasses.dataclass(frozen=True, eq=False)
class PairBlock:
    """The pairs of some users.

    A matrix times a row of each item sums over the pairs of each user; turned around,
    times a row of each user, it sums over the pairs of each item.

    Attributes:
        users: int [R], which users.
        seen: float32 [R, items], how often a pair is there.
        residual: float32 [R, items], the residual of each pair, in the same places.
    """

    users: NDArray[np.integer]
    seen: scipy.sparse.csr_matrix
    residual: scipy.sparse.csr_matrix


def pair_blocks(
    users: NDArray[np.integer],
    items: NDArray[np.integer],
    residual: Floats,
    shape: tuple[int, int],
) -> list[PairBlock]:
    """Parts pairs by users; users without a pair are in no block.

    Sums over a block are few enough to be float32, and so are those of all blocks: a
    sum in one go over all users would lose more.

    Args:
        users: int [N], of each pair.
        items: int [N], of each pair.
        residual: float [N], labels less their mean.
        shape: Rows of users and of items.
    """
    counts = np.bincount(users, minlength=shape[0])
    known = np.flatnonzero(counts)
    order = _order(items, shape[1])
    order = order[_order(users[order], shape[0])]
    of_pairs = items[order].astype(np.int32), residual[order].astype(np.float32)
    bounds = np.append(0, np.cumsum(counts[known]))
    at_once = max(_USERS_AT_ONCE, shape[1] // _ITEMS_OF_USER)
    sizes = np.diff(np.append(bounds[:-1:at_once], bounds[-1]))
    ones = np.ones(sizes.max(), np.float32)  # All blocks share them.
    blocks = []
    for start in range(0, len(known), at_once):
        ends = bounds[start : start + at_once + 1]
        columns, values = (part[ends[0] : ends[-1]] for part in of_pairs)
        of_block = len(ends) - 1, shape[1]
        places = columns, ends - ends[0]
        blocks.append(
            PairBlock(
                known[start : start + at_once],
                scipy.sparse.csr_matrix((ones[: len(columns)], *places), of_block),
                scipy.sparse.csr_matrix((values, *places), of_block),
            )
        )
    return blocks


def _order(numbers: NDArray[np.integer], limit: int) -> NDArray[np.integer]:
    """Returns what sorts numbers below `limit`, equal ones as they are.

    Turning a sparse matrix with one entry a column around is a sort by counting, which
    takes a fraction of the time of one that compares.
    """
    ones = np.ones(len(numbers), np.int8)
    dtype = np.int32 if len(numbers) < 1 << 31 else np.int64
    columns = np.arange(len(numbers) + 1, dtype=dtype)
    shape = limit, len(numbers)
    order: NDArray[np.integer]
    order = scipy.sparse.csc_matrix((ones, numbers, columns), shape).tocsr().indices
    return order
