"""Blocks of rows: what flows through the pipeline instead of single rows.

Per-element work dominates a Beam pipeline, so an element is a stretch of a file with
thousands of rows. A block is read once; whoever needs rows takes them from it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from transforms.reading.columnar_rows import column_rows
from transforms.reading.text_rows import (
    Row,
    delimited_rows,
    json_rows,
    line_rows,
    list_rows,
)
from transforms.schema import TableSpec


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


def rows_of(block: Block, table: TableSpec, columns: Sequence[str]) -> Iterator[Row]:
    """Returns the rows of a block, unreadable ones included.

    Args:
        block: The block.
        table: The table it belongs to.
        columns: Columns to read. Each must be in the header or the schema.

    Returns:
        (line or row number, fields) of each row: the fields in the order of `columns`,
        None for an absent one, or an `UnreadableRow`. Blank lines are no rows.
    """
    data, first_line = block.data, block.first_line
    if table.format == "csv":
        return delimited_rows(data, first_line, block.header, table, columns)
    readers = {"jsonl": json_rows, "lists": list_rows, "lines": line_rows}
    if table.format in readers:
        return readers[table.format](data, first_line, table.encoding, columns)
    return column_rows(data, first_line, columns)
