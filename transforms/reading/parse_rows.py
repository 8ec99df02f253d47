"""Blocks of raw rows to what a setting makes of them, and refused rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.reading.block_columns import BlockColumns, block_columns
from transforms.reading.blocks import Block, rows_of
from transforms.reading.grouping import of_kinds
from transforms.reading.rejected_row import REJECTED, rejected_row
from transforms.reading.row_error import RowError, UnwantedRowError
from transforms.reading.text_rows import Fields, UnreadableRow
from transforms.row_counts import RowCounts
from transforms.table_spec import TableSpec

# Kinds of output beside `REJECTED`.
PARSED = "parsed"
COUNTS = "counts"


class RowParser(Protocol):
    """Reads the rows of one block and holds what becomes of them.

    Attributes:
        counts: What is known of the rows that it took, after `parsed`.
    """

    counts: RowCounts

    def add(self, line: int, fields: Fields) -> None:
        """Reads one row.

        Args:
            line: Its line or row number.
            fields: The columns of the row, as they are in the table.

        Raises:
            RowError: If the row breaks its format; nothing of it is held then.
            UnwantedRowError: If the configuration does not want it.
        """

    def parsed(self) -> Iterable[Any]:
        """Returns the elements that the rows have become."""


class ParsedRows(NamedTuple):
    """What the rows of a table have become.

    Attributes:
        parsed: What the parser made of them.
        rejected: `RejectedRow`s.
        counts: (name, `RowCounts`) of each block.
    """

    parsed: beam.PCollection
    rejected: beam.PCollection
    counts: beam.PCollection


@runtime_checkable
class ColumnParser(RowParser, Protocol):
    """A `RowParser` that reads all rows of a block at once where none is refused."""

    def add_columns(self, rows: BlockColumns) -> bool:
        """Reads all rows, or returns False and holds none of them.

        Rows that the configuration does not want it counts itself.
        """


class ParseRows(beam.PTransform):
    """Turns blocks of rows of one table into parsed elements, and refused rows.

    Only `RowError` is a fault of the data; any other exception stops the job. The
    counter `<name>_read` has all rows, refused ones included.

    Input: `Block`.
    Output: `ParsedRows`; of the counts, the rows used are those that the parser knows
        of.

    Attributes:
        parse_block: Its only `DoFn`.

    Args:
        name: What the table is read as, which refused rows say.
        table: The table.
        columns: Columns that a row is made of, in the order the parser takes them.
        new_parser: Returns the parser of a block.
    """

    def __init__(
        self,
        name: str,
        table: TableSpec,
        columns: Sequence[str],
        new_parser: Callable[[Block], RowParser],
    ) -> None:
        super().__init__()
        self.parse_block = _ParseBlock(name, table, tuple(columns), new_parser)

    def expand(self, blocks: beam.PCollection) -> ParsedRows:
        """Parses every block."""
        pairs = blocks | "ParseBlocks" >> beam.ParDo(self.parse_block)
        return ParsedRows(*of_kinds(pairs, PARSED, REJECTED, COUNTS))


@dataclasses.dataclass(eq=False)
class _ParseBlock(beam.DoFn):
    name: str
    table: TableSpec
    columns: tuple[str, ...]
    new_parser: Callable[[Block], RowParser]

    def process(self, block: Block) -> Iterator[tuple[str, Any]]:
        parser = self.new_parser(block)
        counts = RowCounts(read=self._add_columns(parser, block))
        if not counts.read:
            yield from self._add_rows(parser, block, counts)
        Metrics.counter("cmml", f"{self.name}_read").inc(counts.read)
        for element in parser.parsed():
            yield PARSED, element
        counts.merge(parser.counts)
        yield COUNTS, (self.name, counts)

    def _add_columns(self, parser: RowParser, block: Block) -> int:
        """Reads all rows of a block at once; returns their number, 0 if it cannot."""
        if not isinstance(parser, ColumnParser):
            return 0
        rows = block_columns(block, self.table, self.columns)
        return len(rows) if rows is not None and parser.add_columns(rows) else 0

    def _add_rows(
        self, parser: RowParser, block: Block, counts: RowCounts
    ) -> Iterator[tuple[str, Any]]:
        """Reads the rows of a block one by one; yields those that are refused."""
        add = parser.add
        for line, fields in rows_of(block, self.table, self.columns):
            counts.read += 1
            try:
                if isinstance(fields, UnreadableRow):
                    raise fields.error
                add(line, fields)
            except UnwantedRowError as left_out:
                counts.left_out[left_out.reason] += 1
            except RowError as error:
                counts.refused[error.reason] += 1
                row = rejected_row(self.name, block, line, fields, self.columns, error)
                yield REJECTED, row
