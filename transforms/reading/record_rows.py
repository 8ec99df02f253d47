"""Records that are more than a line: quoted fields with line breaks, JSON arrays.

A file of them cannot be cut at any line end, so one worker reads all of it.
"""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

from transforms.reading.packed_files import FileError
from transforms.reading.row_error import ENCODING, MALFORMED, RowError
from transforms.reading.text_rows import (
    Row,
    UnreadableRow,
    csv_fields,
    csv_reader,
    unique_keys,
)
from transforms.table_spec import TableSpec

_BLOCK_ROWS = 8_192

# A record of delimited text or JSON, with the line or number that it starts at.
Record = tuple[int, "list[str] | dict[str, Any] | UnreadableRow"]


def in_blocks(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Yields records some thousands at a time."""
    while block := list(itertools.islice(records, _BLOCK_ROWS)):
        yield block


def csv_records(
    stream: io.BufferedReader, first_line: int, table: TableSpec
) -> Iterator[Record]:
    """Yields the records of delimited text, whose quoted fields may have line breaks.

    Where a record cannot be read, each of its lines is refused: a quote left open
    takes many.

    Args:
        stream: The file, after its header line.
        first_line: Line number of the first line.
        table: Delimiter, quoting and encoding.
    """
    lines: list[str] = []

    def decoded() -> Iterator[str]:
        for line in stream:
            lines.append(line.decode(table.encoding, errors="surrogateescape"))
            yield lines[-1]

    reader = csv_reader(decoded(), table)
    while True:
        lines.clear()
        line = first_line + reader.line_num
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            for number, text in enumerate(lines, start=line):
                detail = RowError(MALFORMED, f"{error}, in a record from line {line}")
                yield number, UnreadableRow(detail, text.rstrip("\r\n"))
            continue
        if fields:
            yield line, _encodable(fields, lines, table.encoding)


def json_records(
    stream: io.BufferedReader, source: str, table: TableSpec
) -> Iterator[Record]:
    """Yields the objects of a JSON array, which is held in memory.

    Args:
        stream: The file.
        source: Its name in messages.
        table: Its encoding.

    Raises:
        FileError: If the file is not one JSON array.
    """
    try:
        values = json.loads(
            stream.read().decode(table.encoding), object_pairs_hook=unique_keys
        )
    except UnicodeDecodeError as error:
        raise FileError(
            f"{source} must be text of encoding {table.encoding!r}, but {error}: set "
            "`encoding`, or unpack it if it is packed twice."
        ) from None
    except (ValueError, RecursionError) as error:
        raise FileError(
            f"{source} must be one JSON array of objects, but {error}. If it has an "
            "object a line, set `format: jsonl`."
        ) from None
    if not isinstance(values, list):
        raise FileError(
            f"{source} must be a JSON array of objects, got a {type(values).__name__}: "
            "if it has an object a line, set `format: jsonl`."
        )
    for number, value in enumerate(values, start=1):
        if isinstance(value, dict):
            yield number, value
        else:
            wrong = RowError(MALFORMED, "expected a JSON object in { }")
            yield number, UnreadableRow(wrong, json.dumps(value))


def record_rows(
    records: Sequence[Record],
    header: tuple[str, ...],
    table: TableSpec,
    columns: Sequence[str],
) -> Iterator[Row]:
    """Yields the rows of records: the fields of the columns asked for."""
    chosen = csv_fields(header, table, columns)
    for line, record in records:
        if isinstance(record, UnreadableRow):
            yield line, record
        elif isinstance(record, dict):
            yield line, tuple(map(record.get, columns))
        else:
            try:
                yield line, chosen(record)
            except RowError as error:
                yield line, UnreadableRow(error, table.delimiter.join(record))


def _encodable(
    fields: list[str], lines: Sequence[str], encoding: str
) -> list[str] | UnreadableRow:
    """Returns the fields, unless some bytes were no text."""
    try:
        "".join(fields).encode("utf-8")
    except UnicodeEncodeError:
        text = "".join(lines).encode("ascii", "backslashreplace").decode()
        return UnreadableRow(RowError(ENCODING, f"not {encoding}"), text)
    return fields
