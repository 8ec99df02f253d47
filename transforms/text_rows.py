"""Rows of text files: delimited text and JSON lines.

A row is one line, so that a file can be cut at any line end. Quoted fields may hold
the delimiter, but no line break: such a row is refused as malformed.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from transforms.row_error import ENCODING, MALFORMED, MISSING_FIELD, RowError
from transforms.schema import TableSpec

_QUOTE = '"'


class UnreadableRow(NamedTuple):
    """A line that cannot be cut into fields.

    Attributes:
        error: Why.
        text: The line.
    """

    error: RowError
    text: str


OffsetRow = tuple[int, tuple[Any, ...] | UnreadableRow]


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
        ValueError: If the line is not text in the table's encoding.
    """
    fields = _split(line.decode(table.encoding).rstrip("\r\n"), table.delimiter)
    return tuple(field.strip() for field in fields)


def delimited_rows(
    data: bytes, header: tuple[str, ...], table: TableSpec, columns: Sequence[str]
) -> Iterator[OffsetRow]:
    """Yields (line offset, fields) of delimited text.

    A header line must match every row. A header given in the configuration names the
    leading columns: more fields at the end of a row are not read.

    Args:
        data: Whole lines.
        header: Names of the columns.
        table: Delimiter, encoding, and whether the header was given.
        columns: The columns wanted.
    """
    positions = [header.index(column) for column in columns]
    delimiter, width = table.delimiter, len(header)
    may_be_longer = table.header is not None
    for offset, line in decoded_lines(data, table.encoding):
        if isinstance(line, UnreadableRow):
            yield offset, line
            continue
        try:
            fields = _split(line, delimiter)
        except csv.Error as error:
            yield offset, UnreadableRow(RowError(MALFORMED, str(error)), line)
            continue
        if len(fields) == width or (may_be_longer and len(fields) > width):
            yield offset, tuple(map(fields.__getitem__, positions))
        else:
            reason = MISSING_FIELD if len(fields) < width else MALFORMED
            detail = f"expected {width} fields, got {len(fields)}"
            yield offset, UnreadableRow(RowError(reason, detail), line)


def json_rows(
    data: bytes, encoding: str, columns: Sequence[str]
) -> Iterator[OffsetRow]:
    """Yields (line offset, values) of JSON lines; an absent key gives None.

    Args:
        data: Whole lines.
        encoding: Their encoding.
        columns: The keys wanted.
    """
    for offset, line in decoded_lines(data, encoding):
        if isinstance(line, UnreadableRow):
            yield offset, line
            continue
        try:
            record = parse_json_object(line)
        except RowError as error:
            yield offset, UnreadableRow(error, line)
            continue
        yield offset, tuple(map(record.get, columns))


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
    data: bytes, encoding: str
) -> Iterator[tuple[int, str | UnreadableRow]]:
    """Yields (offset, line) without line ends and blank lines.

    One undecodable line does not spoil the others.
    """
    try:
        lines: list[Any] = data.decode(encoding).split("\n")
    except UnicodeDecodeError:
        lines = [_decode(line, encoding) for line in data.split(b"\n")]
    for offset, line in enumerate(lines):
        if isinstance(line, UnreadableRow):
            yield offset, line
        elif stripped := line.rstrip("\r"):
            yield offset, stripped


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
