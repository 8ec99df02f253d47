"""Blocks of rows: what flows through the pipeline instead of single rows.

Per-element work dominates a Beam pipeline, so an element is a stretch of a file with
thousands of rows. A block is read once; whoever needs rows takes them from it.
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

from transforms.reading.columnar_rows import column_rows
from transforms.reading.record_rows import record_rows
from transforms.reading.reshaped_rows import reshaped_rows
from transforms.reading.text_rows import (
    Cut,
    Row,
    csv_cut,
    json_cut,
    line_cut,
    list_cut,
    text_rows,
)
from transforms.table_spec import TableSpec


@dataclasses.dataclass(frozen=True)
class Block:
    """A stretch of a raw file.

    Attributes:
        source: Name of the file in messages and refused rows.
        source_index: Position of the file among those of its table.
        first_line: Line or row number of the block's first row, from 1.
        data: Bytes cut at line ends, records, a pyarrow record batch, or lists by
            column.
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
        None for an absent one or one that stands for nothing known, or an
        `UnreadableRow`. Blank lines are no rows.
    """
    read = functools.partial(_rows_in_file, block, table)
    known = block.header or getattr(block.data, "column_names", ())
    return iter(reshaped_rows(read, known, table, columns))


def _rows_in_file(
    block: Block, table: TableSpec, columns: Sequence[str]
) -> Iterator[Row]:
    """Returns the rows of a block as they are in the file."""
    if isinstance(block.data, list):
        return record_rows(block.data, block.header, table, columns)
    cut = _cut(block, table, columns)
    if cut is None:
        return column_rows(block.data, block.first_line, columns)
    return text_rows(block.data, block.first_line, table.encoding, cut)


def _cut(block: Block, table: TableSpec, columns: Sequence[str]) -> Cut | None:
    """Returns how lines are cut into rows; None if the data came by column."""
    if table.format == "csv":
        return csv_cut(block.header, table, columns)
    cuts = {"jsonl": json_cut, "lists": list_cut, "lines": line_cut}
    return cuts[table.format](columns) if table.format in cuts else None
