"""Blocks of rows: what flows through the pipeline instead of single rows.

Per-element work dominates a Beam pipeline, so an element is a stretch of a file with
thousands of rows. A block is read once; whoever needs rows takes them from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from transforms.columnar_rows import column_rows
from transforms.row_error import RowError
from transforms.schema import TableSpec
from transforms.text_rows import delimited_rows, json_rows


@dataclasses.dataclass(frozen=True)
class Block:
    """A stretch of a raw file.

    Attributes:
        source: Name of the file in messages and refused rows.
        source_index: Position of the file among those of its table.
        first_line: Line or row number of the block's first row, from 1.
        data: Bytes cut at line ends, a pyarrow record batch, or lists by column.
        header: Column names of delimited text.
    """

    source: str
    source_index: int
    first_line: int
    data: Any
    header: tuple[str, ...] = ()


class Row(NamedTuple):
    """One row of a block: either `values` or `error` means something.

    Attributes:
        line: Its 1-based line or row number in the file.
        values: The fields asked for, in that order; None for an absent one.
        error: Why the row cannot be cut into fields.
        text: The row as text, if there is an error.
    """

    line: int
    values: tuple[Any, ...]
    error: RowError | None = None
    text: str = ""


def rows_of(block: Block, table: TableSpec, columns: Sequence[str]) -> Iterator[Row]:
    """Yields the rows of a block, unreadable ones included.

    Args:
        block: The block.
        table: The table it belongs to.
        columns: Columns wanted. Each must be in the header or the schema.

    Yields:
        One `Row` for each row of the block; blank lines are no rows.
    """
    if table.format == "csv":
        rows = delimited_rows(block.data, block.header, table, columns)
    elif table.format == "jsonl":
        rows = json_rows(block.data, table.encoding, columns)
    else:
        rows = column_rows(block.data, columns)
    for offset, values in rows:
        if isinstance(values, tuple):
            yield Row(block.first_line + offset, values)
        else:
            yield Row(block.first_line + offset, (), values.error, values.text)
