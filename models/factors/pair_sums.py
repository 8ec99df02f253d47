"""Sums over the pairs of each user, or of each item, some of them at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_ROWS_AT_ONCE = 1 << 14  # Of which sums are in memory together.
_OTHERS_AT_ONCE = 1 << 14  # Whose numbers stay in the cache of a processor.
_MIN_PAIRS = 8  # Of a row in a cell, on average: else it is added up too often.
_ROWS_OF_BLOCK = 512  # Whose matrices stay in the cache together.
_MOST_PAIRS = 1 << 12  # Added up as float32, before their sum is as float64.


class PairSums:
    """The pairs of each row of one side, to be summed over.

    Pairs lie in cells, of some rows and some of the others, so that what is looked up
    of the others stays in the cache. The pairs of a row in a cell are a run, which is
    summed in pieces if it is long.

    Args:
        rows: int [N], users, or items.
        others: int [N], the other side of each pair.
        residual: float [N], labels less their mean.
        shape: Rows of both sides.

    Attributes:
        counts: int [rows], pairs of each row.
        seen: int [S], rows with a pair.
    """

    def __init__(
        self,
        rows: NDArray[np.integer],
        others: NDArray[np.integer],
        residual: Floats,
        shape: tuple[int, int],
    ) -> None:
        self.counts = np.bincount(rows, minlength=shape[0])
        self.seen = np.flatnonzero(self.counts)
        place = np.cumsum(self.counts > 0, dtype=np.int32) - 1
        rows = place[rows]  # Of those with a pair.
        most = max(len(rows) // len(self.seen) // _MIN_PAIRS, 1)
        self._num_parts = min(-(-shape[1] // _OTHERS_AT_ONCE), most)
        num_cells = -(-len(self.seen) // _ROWS_AT_ONCE) * self._num_parts
        cell = rows // _ROWS_AT_ONCE * self._num_parts
        cell += (others // -(-shape[1] // self._num_parts)).astype(np.int32)
        order = _order(others, shape[1])
        order = order[_order(rows[order], len(self.seen))]
        order = order[_order(cell[order], num_cells)]
        self._others = others[order].astype(np.int32)
        self._residual = residual[order].astype(np.float32)
        cell, rows = cell[order], rows[order]
        is_start = np.ones(len(rows), bool)
        is_start[1:] = (cell[1:] != cell[:-1]) | (rows[1:] != rows[:-1])
        starts = np.flatnonzero(is_start)
        self._row_of_run = rows[starts] % _ROWS_AT_ONCE  # Within the rows of its cell.
        cells = np.arange(num_cells + 1)
        self._runs_of_cell = np.searchsorted(cell[starts], cells)
        lengths = np.diff(starts, append=len(rows))
        pieces = -(-lengths // _MOST_PAIRS)
        self._pieces_of_run = np.append(0, np.cumsum(pieces))
        number = np.arange(pieces.sum()) - np.repeat(self._pieces_of_run[:-1], pieces)
        piece_starts = np.repeat(starts, pieces) + number * _MOST_PAIRS
        self._pairs_of_piece = np.append(piece_starts, len(rows))

    def blocks(
        self, moments: Floats, means: Floats
    ) -> Iterator[tuple[NDArray[np.integer], Floats, Floats]]:
        """Sums over the pairs of each row that has any.

        Args:
            moments: float32 [others, M], in C order.
            means: float64 [others, K], in C order.

        Yields:
            Some rows, int [R]; float64 [R, M], sums of moments; float64 [R, K], sums of
            means times the residual of the pair.
        """
        for number, first in enumerate(range(0, len(self.seen), _ROWS_AT_ONCE)):
            seen = self.seen[first : first + _ROWS_AT_ONCE]
            of_moments = np.zeros([len(seen), moments.shape[1]])
            of_means = np.zeros([len(seen), means.shape[1]])
            for part in range(self._num_parts):
                rows, *sums = self._cell(
                    number * self._num_parts + part, moments, means
                )
                of_moments[rows] += sums[0]
                of_means[rows] += sums[1]
            for start in range(0, len(seen), _ROWS_OF_BLOCK):
                block = slice(start, start + _ROWS_OF_BLOCK)
                yield seen[block], of_moments[block], of_means[block]

    def _cell(
        self, cell: int, moments: Floats, means: Floats
    ) -> tuple[NDArray[np.integer], Floats, Floats]:
        """Returns the rows with pairs in a cell, and their sums over these."""
        runs = slice(*self._runs_of_cell[cell : cell + 2])
        first, last = self._pieces_of_run[[runs.start, runs.stop]]
        bounds = self._pairs_of_piece[first : last + 1]
        pairs = slice(bounds[0], bounds[-1])
        places = self._others[pairs], bounds - bounds[0]
        shape = last - first, len(moments)
        ones = np.ones(pairs.stop - pairs.start, np.float32)
        seen = scipy.sparse.csr_matrix((ones, *places), shape)
        residual = scipy.sparse.csr_matrix((self._residual[pairs], *places), shape)
        sums = [seen @ moments, residual @ means]
        of_runs = self._pieces_of_run[runs.start : runs.stop + 1] - first
        sums = [_of_runs(s, of_runs) for s in sums]
        return self._row_of_run[runs], sums[0], sums[1]


def _of_runs(sums: Floats, of_runs: NDArray[np.integer]) -> Floats:
    """Adds up the pieces of each run, where it has more than one."""
    if len(sums) == len(of_runs) - 1:
        return sums
    total = sums[of_runs[:-1]].astype(np.float64)
    for run in np.flatnonzero(np.diff(of_runs) > 1):
        own = sums[of_runs[run] : of_runs[run + 1]]
        total[run] = own.sum(axis=0, dtype=np.float64)
    return total


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
