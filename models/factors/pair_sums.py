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
    """

    def __init__(
        self,
        rows: NDArray[np.integer],
        others: NDArray[np.integer],
        residual: Floats,
        shape: tuple[int, int],
    ) -> None:
        self.counts = np.bincount(rows, minlength=shape[0])
        pairs_of_row = len(rows) // int(np.count_nonzero(self.counts))
        most = max(pairs_of_row // _MIN_PAIRS, 1)
        self._num_parts = min(-(-shape[1] // _OTHERS_AT_ONCE), most)
        width = -(-shape[1] // self._num_parts)
        cell = rows.astype(np.int64) // _ROWS_AT_ONCE
        cell = cell * self._num_parts + others // width
        run = cell * _ROWS_AT_ONCE + rows % _ROWS_AT_ONCE
        order = np.argsort(run * shape[1] + others)
        self._others = others[order].astype(np.int32)
        self._residual = residual[order].astype(np.float32)
        run = run[order]
        starts = np.flatnonzero(np.diff(run, prepend=-1))
        run = run[starts]
        self._row_of_run = run % _ROWS_AT_ONCE  # Within the rows of its cell.
        num_cells = -(-shape[0] // _ROWS_AT_ONCE) * self._num_parts
        cells = np.arange(num_cells + 1)
        self._runs_of_cell = np.searchsorted(run // _ROWS_AT_ONCE, cells)
        lengths = np.diff(starts, append=len(rows))
        pieces = -(-lengths // _MOST_PAIRS)
        self._pieces_of_run = np.append(0, np.cumsum(pieces))
        number = np.arange(pieces.sum()) - np.repeat(self._pieces_of_run[:-1], pieces)
        piece_starts = np.repeat(starts, pieces) + number * _MOST_PAIRS
        self._pairs_of_piece = np.append(piece_starts, len(rows))

    def blocks(
        self, moments: Floats, means: Floats
    ) -> Iterator[tuple[slice, Floats, Floats]]:
        """Sums over the pairs of each row.

        Args:
            moments: float32 [others, M], in C order.
            means: float64 [others, K], in C order.

        Yields:
            Some rows; float64 [rows, M], sums of moments; float64 [rows, K], sums of
            means times the residual of the pair.
        """
        for number, first in enumerate(range(0, len(self.counts), _ROWS_AT_ONCE)):
            last = min(first + _ROWS_AT_ONCE, len(self.counts))
            of_moments = np.zeros([last - first, moments.shape[1]])
            of_means = np.zeros([last - first, means.shape[1]])
            for part in range(self._num_parts):
                rows, *sums = self._cell(
                    number * self._num_parts + part, moments, means
                )
                of_moments[rows] += sums[0]
                of_means[rows] += sums[1]
            yield slice(first, last), of_moments, of_means

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
        if last - first > runs.stop - runs.start:
            of_runs = self._pieces_of_run[runs] - first
            sums = [np.add.reduceat(s, of_runs, dtype=np.float64) for s in sums]
        return self._row_of_run[runs], sums[0], sums[1]
