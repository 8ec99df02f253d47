"""Rows made of those of a file: one of each cell, or of each element of a list."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from transforms.reading.row_error import MALFORMED, MISSING_FIELD, RowError
from transforms.reading.text_rows import Fields, Row, UnreadableRow
from transforms.reading.values import as_text
from transforms.table_spec import TableSpec

# Gives the rows of a block for some columns of the file.
ReadRows = Callable[[Sequence[str]], Iterable[Row]]


def reshaped_rows(
    read: ReadRows, known: Sequence[str], table: TableSpec, columns: Sequence[str]
) -> Iterable[Row]:
    """Returns the rows that a table says are in those of a file.

    Args:
        read: Gives the rows of the file.
        known: Columns of the file, which only a wide table needs.
        table: What stands for nothing, whether it is wide, which columns are lists.
        columns: The columns to read.
    """
    if table.wide is not None:
        rows = _cells(read, known, table, columns)
    else:
        rows = iter(read(columns))
        if table.missing:
            rows = _without_codes(rows, frozenset(table.missing))
    if table.list_columns:
        chosen = [columns.index(c) for c in table.list_columns if c in columns]
        rows = _elements(rows, chosen, columns)
    return rows


def _without_codes(rows: Iterable[Row], codes: frozenset[str]) -> Iterator[Row]:
    """Yields rows whose codes for nothing known are None."""
    for line, fields in rows:
        if isinstance(fields, UnreadableRow):
            yield line, fields
        else:
            yield line, tuple(known_value(value, codes) for value in fields)


def _cells(
    read: ReadRows, known: Sequence[str], table: TableSpec, columns: Sequence[str]
) -> Iterator[Row]:
    """Yields a row for each cell of a wide table that is not empty."""
    wide = table.wide
    assert wide is not None
    names = [c for c in wide.cells or known if c not in wide.keep]
    codes = frozenset(table.missing)
    for line, fields in read([*wide.keep, *names]):
        if isinstance(fields, UnreadableRow):
            yield line, fields
            continue
        kept = dict(zip(wide.keep, fields, strict=False))
        for name, cell in zip(names, fields[len(wide.keep) :], strict=True):
            value = known_value(cell, codes)
            if value is None or value == "":
                continue
            row = {**kept, wide.name: name, wide.value: value}
            yield line, tuple(map(row.get, columns))


def _elements(
    rows: Iterable[Row], places: Sequence[int], columns: Sequence[str]
) -> Iterator[Row]:
    """Yields a row for each element of the lists of a row, which go side by side."""
    for line, fields in rows:
        if isinstance(fields, UnreadableRow):
            yield line, fields
            continue
        try:
            lists = [_list(fields[place], columns[place]) for place in places]
            yield from ((line, row) for row in _side_by_side(fields, places, lists))
        except RowError as error:
            yield line, UnreadableRow(error, repr(fields))


def _side_by_side(
    fields: Fields, places: Sequence[int], lists: Sequence[Sequence[Any]]
) -> list[Fields]:
    sizes = set(map(len, lists))
    if len(sizes) > 1:
        raise RowError(MALFORMED, f"lists must have one length, got {sorted(sizes)}")
    rows = []
    for elements in zip(*lists, strict=True):
        row = list(fields)
        for place, element in zip(places, elements, strict=True):
            row[place] = element
        rows.append(tuple(row))
    return rows or [fields]


def _list(value: Any, column: str) -> Sequence[Any]:
    """Returns the elements of a field: a list, or JSON text of one."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise RowError(MALFORMED, f"{column} is no JSON list: {value!r}") from None
    if value is None or value in ("", [], ()):
        raise RowError(MISSING_FIELD, f"{column} is empty")
    if not isinstance(value, list | tuple):
        raise RowError(MALFORMED, f"{column} must be a list, got {value!r}")
    return value


def known_value(value: Any, codes: frozenset[str]) -> Any:
    """Returns a value, or None if it is a code for nothing known."""
    if isinstance(value, list | tuple | dict | set) or value is None:
        return value
    try:
        return None if codes and (as_text(value) or "") in codes else value
    except RowError:
        return value
