"""Rows of text files: delimited text, JSON lines, lists and plain lines.

A row is one line, so that a file can be cut at any line end. Quoted fields may hold
the delimiter, but no line break: such a row is refused as malformed, unless the table
is read by `record_rows`.
"""

import codecs
import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from transforms.reading.row_error import ENCODING, MALFORMED, MISSING_FIELD, RowError
from transforms.table_spec import TableSpec

# Columns of the formats "lists" and "lines"; a line has its number, from 0, for an id.
LISTS_COLUMNS = ("line", "value")
LINES_COLUMNS = ("line", "text")


class HeaderError(ValueError):
    """A header line that cannot be cut into the names of columns.

    Args:
        message: What is wrong.
        line: The line.
    """

    def __init__(self, message: str, line: bytes) -> None:
        super().__init__(message)
        self.line = line


@dataclasses.dataclass(frozen=True)
class UnreadableRow:
    """A line that cannot be cut into fields.

    Attributes:
        error: Why.
        text: The line.
    """

    error: RowError
    text: str


_LINE_SHOWN = 200  # Bytes of a header line that an error shows.

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
        ValueError: If the line ends as no line may.
        HeaderError: If it cannot be read.
    """
    if b"\r" in line.rstrip(b"\r\n"):
        raise ValueError(
            f"the lines of {table.path} must end with a line feed, and its first one "
            "holds carriage returns: save it with line ends of Unix or Windows."
        )
    try:
        text = line.decode(table.encoding).rstrip("\r\n")
        return tuple(name.strip() for name in _splitter(table)(text))
    except (UnicodeDecodeError, csv.Error) as error:
        raise HeaderError(
            f"the header line of {table.path} must be {table.encoding} text with "
            f"{table.delimiter!r} between the names, got {line[:_LINE_SHOWN]!r}: "
            f"{error}",
            line,
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
    """Returns the format of delimited text: a row a line; see `csv_fields`."""
    split, chosen = _splitter(table), csv_fields(header, table, columns)

    def cut(number: int, line: str) -> Sequence[Fields]:
        try:
            return (chosen(split(line)),)
        except csv.Error as error:
            raise RowError(MALFORMED, _explained(error, table)) from None

    return cut


def csv_fields(
    header: tuple[str, ...], table: TableSpec, columns: Sequence[str]
) -> Callable[[list[str]], Fields]:
    """Returns what takes the columns of delimited text, None for an absent one.

    Every row must have as many fields as there are column names, unless the table says
    that more at the end are not to be read; else `RowError` is raised.

    Args:
        header: Names of the columns.
        table: Whether rows may be longer.
        columns: The columns to read.
    """
    width, may_be_longer = len(header), table.extra_fields
    # An absent column is the field after the last one.
    positions = [header.index(c) if c in header else width for c in columns]
    are_present = width not in positions

    def chosen(fields: list[str]) -> Fields:
        if len(fields) == width or (may_be_longer and len(fields) > width):
            if are_present:
                return tuple(map(fields.__getitem__, positions))
            known: list[str | None] = [*fields[:width], None]
            return tuple(map(known.__getitem__, positions))
        detail = f"expected {width} fields, got {len(fields)}"
        if len(fields) < width:
            raise RowError(MISSING_FIELD, detail)
        raise RowError(
            MALFORMED,
            f"{detail}: quote fields that hold {table.delimiter!r}, or leave the rest "
            "unread by `table.extra_fields: true`",
        )

    return chosen


def csv_reader(lines: Iterable[str], table: TableSpec) -> Any:
    """Returns the reader of delimited text, its delimiter of one character."""
    return csv.reader(
        lines,
        delimiter=table.delimiter,
        quotechar=table.quote or None,
        quoting=csv.QUOTE_MINIMAL if table.quote else csv.QUOTE_NONE,
        escapechar=table.escape or None,
        strict=True,
    )


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
        record = json.loads(line, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise RowError(MALFORMED, f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise RowError(MALFORMED, "expected a JSON object in { }")
    return record


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object; of two equal keys Python would take the last."""
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} occurs twice")
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


def _splitter(table: TableSpec) -> Callable[[str], list[str]]:
    """Returns what cuts a line of delimited text into fields."""
    delimiter, quote, escape = table.delimiter, table.quote, table.escape

    def split(line: str) -> list[str]:
        if (quote and quote in line) or (escape and escape in line):
            fields: list[str] = next(csv_reader([line], table))
            return fields
        return line.split(delimiter)

    return (lambda line: line.split(delimiter)) if len(delimiter) > 1 else split


def _explained(error: csv.Error, table: TableSpec) -> str:
    """Says what to do about a line that cannot be cut."""
    if "unexpected end of data" in str(error):
        return (
            f"a quote {table.quote} is left open: `table.multiline: true` reads line "
            "breaks inside quotes, `table.quote: ''` takes quotes for text"
        )
    return str(error)
