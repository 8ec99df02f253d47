"""Blocks of rows by column, where all rows can be read: the fast way.

It must never read a row otherwise than `rows_of` does, and leaves to that what it is
not sure of: lines that cannot be cut, blank lines, quotes, and formats that come
neither by line nor by column.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from transforms.reading.blocks import Block
from transforms.reading.coded_column import CodedColumn, Floats, Ints, coded_array
from transforms.table_spec import TableSpec

# Takes the place of a delimiter of several characters.
_UNIT_SEPARATOR = b"\x1f"

_CODEC = "zstd"
_PLACE = "place"


@dataclasses.dataclass(frozen=True)
class BlockColumns:
    """The rows of a block, one a line, as they are in the table, by column.

    Attributes:
        columns: pyarrow arrays, in the order they were asked for.
        missing: Texts that stand for nothing known.
    """

    columns: tuple[pa.Array, ...]
    missing: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.columns[0])


def block_columns(
    block: Block, table: TableSpec, columns: Sequence[str]
) -> BlockColumns | None:
    """Returns the rows of a block by column, or None if they must be read one by one.

    Args:
        block: The block.
        table: The table it belongs to.
        columns: Columns to read.
    """
    if table.wide is not None or table.list_columns:
        return None
    data: pa.RecordBatch | pa.Table | None = None
    if isinstance(block.data, pa.RecordBatch):
        data = block.data
    elif isinstance(block.data, bytes) and table.format == "csv":
        data = _csv_table(block, table, columns)
    if data is None or any(data.column_names.count(name) != 1 for name in columns):
        return None
    arrays = [pa.chunked_array(data[name]).combine_chunks() for name in columns]
    return BlockColumns(tuple(arrays), table.missing)


def _csv_table(
    block: Block, table: TableSpec, columns: Sequence[str]
) -> pa.Table | None:
    """Returns the columns of delimited text, all texts, coded by their values."""
    data, header = block.data, block.header
    if not _is_plain(data, table) or any(header.count(c) != 1 for c in columns):
        return None
    delimiter = table.delimiter
    if len(delimiter) > 1:
        if _UNIT_SEPARATOR in data:
            return None
        data = data.replace(delimiter.encode(), _UNIT_SEPARATOR)
        delimiter = _UNIT_SEPARATOR.decode()
    text = pa.dictionary(pa.int32(), pa.string())
    try:
        parsed = pa.csv.read_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(
                use_threads=False,
                block_size=len(data) + 1,
                # By place, since columns that are not read may share a name.
                column_names=[str(place) for place in range(len(header))],
            ),
            parse_options=pa.csv.ParseOptions(delimiter=delimiter, quote_char=False),
            convert_options=pa.csv.ConvertOptions(
                check_utf8=False,  # All of it has been looked at.
                include_columns=[str(header.index(c)) for c in columns],
                column_types={str(header.index(c)): text for c in columns},
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:
        return None
    num_lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if parsed.num_rows != num_lines:  # Blank lines are no rows, and are counted.
        return None
    return parsed.rename_columns(list(columns))


def _is_plain(data: bytes, table: TableSpec) -> bool:
    """Says whether each line is a row without quotes, of valid UTF-8."""
    marks = table.quote + table.escape if len(table.delimiter) == 1 else ""
    if table.extra_fields or any(mark.encode() in data for mark in marks):
        return False
    if data.count(b"\r") != data.count(b"\r\n"):
        return False
    if data.isascii():
        return table.encoding.lower() in _ASCII_ENCODINGS
    if table.encoding.lower() not in _UTF8:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


_UTF8 = ("utf-8", "utf8")
_ASCII_ENCODINGS = (*_UTF8, "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1")


def pack(
    columns: Mapping[str, CodedColumn | Ints | Floats | None], place: Sequence[Any]
) -> bytes:
    """Returns the bytes of columns, for few bytes to be shuffled.

    Args:
        columns: Columns of one length, by name; None for one that is not there.
        place: What else is to be known of them, as JSON has it.
    """
    batch = pa.record_batch(
        {
            name: c.to_array() if isinstance(c, CodedColumn) else pa.array(c)
            for name, c in columns.items()
            if c is not None
        }
    )
    batch = batch.replace_schema_metadata({_PLACE: json.dumps(place)})
    options = pa.ipc.IpcWriteOptions(compression=_CODEC, use_threads=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def unpack(data: bytes) -> tuple[dict[str, Any], list[Any]]:
    """Returns the columns that `pack` took, by name, and what else is known of them."""
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.ipc.open_stream(data, options=options) as reader:
        batch = reader.read_next_batch()
    columns = {
        name: coded_array(c) if pa.types.is_dictionary(c.type) else c.to_numpy()
        for name, c in zip(batch.schema.names, batch.columns, strict=True)
    }
    return columns, json.loads(batch.schema.metadata[_PLACE.encode()])
