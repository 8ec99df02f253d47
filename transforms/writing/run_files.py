"""Sorted runs of users or items on disk: a file for each, merged as one stream."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from transforms.reading.coded_column import Ints, places_in
from transforms.writing.output_files import STAGE_DIR, OutputFiles

# Columns of a run; features go by their names.
ID, NUM_TRAINING, SHARD, NAME = "#id", "#num_training", "#shard", "#name"

_ROWS_AT_ONCE = 1 << 16  # Of all runs together.
_FEWEST_ROWS = 256  # Of one run.


def write_run(
    files: OutputFiles, kind: str, number: int, num_runs: int, rows: pa.Table
) -> None:
    """Writes one run.

    Args:
        files: The output directory.
        kind: "user" or "item".
        number: Number of the run.
        num_runs: Runs in all, of which a reader holds a part each.
        rows: In their order.
    """
    size = max(_ROWS_AT_ONCE // num_runs, _FEWEST_ROWS)
    with (
        files.writing(f"{_directory(kind)}/{number:05d}.arrow") as file,
        pa.ipc.new_stream(file, rows.schema) as writer,
    ):
        writer.write_table(rows, max_chunksize=size)


def read_runs(
    files: OutputFiles, kind: str, order: Callable[[pa.Array], Ints]
) -> Iterator[pa.Table]:
    """Yields the rows of all runs in one order, some at a time.

    Args:
        files: The output directory.
        kind: "user" or "item".
        order: Returns the places of ids in their order.
    """
    with contextlib.ExitStack() as stack:
        runs = [
            stack.enter_context(
                pa.ipc.open_stream(stack.enter_context(files.open(name)))
            )
            for name in files.names(_directory(kind))
        ]
        yield from merge_runs([iter(run) for run in runs], order)


def merge_runs(
    runs: Sequence[Iterator[pa.RecordBatch]], order: Callable[[pa.Array], Ints]
) -> Iterator[pa.Table]:
    """Yields the rows of runs in one order, some at a time.

    Args:
        runs: The rows of each in their order, some at a time.
        order: Returns the places of ids in their order.
    """
    waiting = [_Waiting(run) for run in runs]
    while True:
        for one in waiting:
            one.fill()
        parts = [one.rows for one in waiting if one.rows is not None]
        if not sum(map(len, parts)):
            return
        rows = pa.concat_tables(parts).combine_chunks()
        in_order = order(rows[ID].combine_chunks())
        ends = np.cumsum([len(one) for one in waiting])
        # Behind the last row of a run that goes on there may be further ones of it.
        bounds = ends[[one.goes_on for one in waiting]] - 1
        last = places_in(in_order)[bounds].min() if len(bounds) else len(rows) - 1
        taken = in_order[: last + 1]
        run_of_row = np.searchsorted(ends, taken, side="right")
        counts = np.bincount(run_of_row, minlength=len(waiting)).tolist()
        for one, count in zip(waiting, counts, strict=True):
            one.drop(count)
        yield rows.take(pa.array(taken))


class _Waiting:
    """The next rows of a run.

    Attributes:
        rows: Those in hand; None of a run without any.
        goes_on: Whether there may be more.
    """

    def __init__(self, run: Iterator[pa.RecordBatch]) -> None:
        self.rows: pa.Table | None = None
        self.goes_on = True
        self._run = run
        self._num_wanted = 1

    def __len__(self) -> int:
        return 0 if self.rows is None else len(self.rows)

    def fill(self) -> None:
        """Reads on unless there are as many rows in hand as are read at a time."""
        while self.goes_on and len(self) < self._num_wanted:
            batch = next(self._run, None)
            if batch is None:
                self.goes_on = False
                return
            parts = [] if self.rows is None else [self.rows]
            self.rows = pa.concat_tables([*parts, pa.Table.from_batches([batch])])
            self._num_wanted = max(self._num_wanted, len(batch))

    def drop(self, number: int) -> None:
        """Leaves out the first rows."""
        if self.rows is not None:
            self.rows = self.rows.slice(number)


def _directory(kind: str) -> str:
    return f"{STAGE_DIR}/runs/{kind}"
