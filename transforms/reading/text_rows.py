"""Rows of text files: delimited text, JSON lines, lists and plain lines.

A row is one line, so that a file can be cut at any line end. Quoted fields may hold
the delimiter, but no line break: such a row is refused as malformed.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from transforms.reading.row_error import ENCODING, MALFORMED, MISSING_FIELD, RowError
from transforms.schema import TableSpec

# Columns of the formats "lists" and "lines"; a line has its number, from 0, for an id.
LISTS_COLUMNS = ("line", "value")
LINES_COLUMNS = ("line", "text")

_QUOTE = '"'


@dataclasses.dataclass(frozen=True)
class UnreadableRow:
    """A line that cannot be cut into fields.

    Attributes:
        error: Why.
        text: The line.
    """

    error: RowError
    text: str


# The values of the columns asked for, in that order.
Fields = tuple[Any, ...]

# A line number, and the fields or why there are none.
Row = tuple[int, Fields | UnreadableRow]

# Cuts a line, given its number, into the fields of its rows; else raises `RowError`.
Cut = Callable[[int, str], Sequence[Fields]]


def cut_at_lines(stream: io.BufferedReader, block_bytes: int) -> Iterator[bytes]:
    """Yields the rest of a file in pieces of whole lines.

    Args:
        stream: The file.
        block_bytes: Size of a piece; a piece is longer if a line is.
    """
    rest = b""
    while data := stream.read(block_bytes):
        data = rest + data
        end = data.rfind(b"\n") + 1
        rest = data[end:]
        if end:
            yield data[:end]
    if rest:
        yield rest


def skip_byte_order_mark(stream: io.BufferedReader) -> None:
    """Steps over the UTF-8 byte order mark that some spreadsheets write."""
    mark = codecs.BOM_UTF8
    if stream.peek(len(mark)).startswith(mark):
        stream.read(len(mark))


def split_header(line: bytes, table: TableSpec) -> tuple[str, ...]:
    """Returns the column names in a header line.

    Raises:
        ValueError: If the line cannot be read.
    """
    try:
        text = line.decode(table.encoding).rstrip("\r\n")
        return tuple(name.strip() for name in _split(text, table.delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"the header line of {table.path} must be {table.encoding} text with "
            f"{table.delimiter!r} between the names, got {line!r}: {error}."
        ) from None


def text_rows(data: bytes, first_line: int, encoding: str, cut: Cut) -> Iterator[Row]:
    """Yields the rows of lines, unreadable ones included.

    Args:
        data: Whole lines.
        first_line: Line number of the first one.
        encoding: Their encoding.
        cut: Their format.
    """
    for number, line in decoded_lines(data, encoding, first_line):
        if isinstance(line, UnreadableRow):
            yield number, line
            continue
        try:
            rows = cut(number, line)
        except RowError as error:
            yield number, UnreadableRow(error, line)
            continue
        for fields in rows:
            yield number, fields


def csv_cut(header: tuple[str, ...], table: TableSpec, columns: Sequence[str]) -> Cut:
    """Returns the format of delimited text: a row a line.

    A header line must match every row. A header given in the configuration names the
    leading columns: more fields at the end of a row are not read.

    Args:
        header: Names of the columns.
        table: Delimiter, and whether the header was given.
        columns: The columns to read.
    """
    positions = [header.index(column) for column in columns]
    delimiter, width = table.delimiter, len(header)
    may_be_longer = table.header is not None

    def cut(number: int, line: str) -> Sequence[Fields]:
        try:
            fields = _split(line, delimiter)
        except csv.Error as error:
            raise RowError(MALFORMED, str(error)) from None
        if len(fields) == width or (may_be_longer and len(fields) > width):
            return (tuple(map(fields.__getitem__, positions)),)
        reason = MISSING_FIELD if len(fields) < width else MALFORMED
        raise RowError(reason, f"expected {width} fields, got {len(fields)}")

    return cut


def list_cut(columns: Sequence[str]) -> Cut:
    """Returns the format "count value value ...": a row a value.

    Args:
        columns: Of `LISTS_COLUMNS`, those to read.
    """

    def cut(number: int, line: str) -> Sequence[Fields]:
        count, *values = line.split() or [""]  # Blanks only: no count.
        if count != str(len(values)):
            got = f"{count!r} and {len(values)} values"
            raise RowError(MALFORMED, f"expected a count and as many values, got {got}")
        line_id = str(number - 1)
        return [_chosen(LISTS_COLUMNS, (line_id, value), columns) for value in values]

    return cut


def line_cut(columns: Sequence[str]) -> Cut:
    """Returns the format of plain lines: a row a line, its text the only value.

    Args:
        columns: Of `LINES_COLUMNS`, those to read.
    """
    return lambda number, line: (
        _chosen(LINES_COLUMNS, (str(number - 1), line), columns),
    )


def json_cut(columns: Sequence[str]) -> Cut:
    """Returns the format of JSON lines: a row a line, None for an absent key.

    Args:
        columns: The keys to read.
    """
    return lambda number, line: (tuple(map(parse_json_object(line).get, columns)),)


def parse_json_object(line: str) -> dict[str, Any]:
    """Reads one JSON object.

    Raises:
        RowError: If the line is anything else.
    """
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError(MALFORMED, f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise RowError(MALFORMED, "expected a JSON object in { }")
    return record


def decoded_lines(
    data: bytes, encoding: str, first_line: int = 1
) -> Iterator[tuple[int, str | UnreadableRow]]:
    """Yields (line number, line) without line ends and blank lines.

    One undecodable line does not spoil the others.
    """
    try:
        lines: list[Any] = data.decode(encoding).split("\n")
    except UnicodeDecodeError:
        lines = [_decode(line, encoding) for line in data.split(b"\n")]
    for number, line in enumerate(lines, start=first_line):
        if isinstance(line, UnreadableRow):
            yield number, line
        elif stripped := line.rstrip("\r"):
            yield number, stripped


def _chosen(
    names: Sequence[str], values: Sequence[str], columns: Sequence[str]
) -> tuple[str, ...]:
    return tuple(values[names.index(column)] for column in columns)


def _decode(line: bytes, encoding: str) -> str | UnreadableRow:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        text = line.decode("ascii", errors="backslashreplace")
        return UnreadableRow(RowError(ENCODING, f"not {encoding}: {error}"), text)


def _split(line: str, delimiter: str) -> list[str]:
    if len(delimiter) > 1 or _QUOTE not in line:
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter, strict=True))
