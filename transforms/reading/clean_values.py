"""Whole columns as typed values, where each value is what it has to be.

Each different value of a column is read once, by the function that reads it in a single
row: the result is the same. A value that this function refuses is left to it.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.raw_text import normal_id
from transforms.reading.coded_column import (
    CodedColumn,
    Ints,
    coded_numbers,
    recoded,
    small,
)
from transforms.reading.reshaped_rows import known_value
from transforms.reading.row_error import RowError, UnwantedRowError
from transforms.reading.values import as_id
from transforms.row_counts import RowCounts

# Integers of the same width, which tell -0.0 from 0.0.
_BITS = {pa.float16(): pa.int16(), pa.float32(): pa.int32(), pa.float64(): pa.int64()}
_FIRST_MARK, _LAST_MARK = ord("!"), ord("~")


def clean_ids(raw: pa.Array, missing: Collection[str]) -> CodedColumn | None:
    """Returns a column of ids; None if a row has none.

    Args:
        raw: The column, as it is in the table.
        missing: Texts that stand for nothing known.
    """
    coded = _different(raw)
    if coded is None:
        return None
    codes, values = coded
    if not missing:
        if pa.types.is_integer(values.type):
            return CodedColumn(small(codes), values.cast(pa.string()))
        if pa.types.is_string(values.type) and _are_plain(values):
            return CodedColumn(small(codes), values)
    ids = _read_all(_reader(lambda value: as_id(value, ""), missing), values)
    return None if ids is None else recoded(codes, ids)


def normal_columns(
    columns: Sequence[CodedColumn], names: Sequence[str], counts: RowCounts
) -> list[CodedColumn] | None:
    """Returns columns of ids without what ids that mean the same may differ in.

    Args:
        columns: The columns.
        names: Their names.
        counts: Where the rows are counted that had another form.

    Returns:
        The columns; None if one has an id of which nothing is left, and no row is
        counted then.
    """
    normal, num_changed = [], []
    for column in columns:
        texts = column.values.to_pylist()
        ids = [normal_id(text) for text in texts]
        if not all(ids):
            return None
        is_other = np.array([a != b for a, b in zip(texts, ids, strict=True)], bool)
        num_changed.append(int(is_other[column.codes].sum()))
        normal.append(recoded(column.codes, ids))
    for name, number in zip(names, num_changed, strict=False):
        if number:
            counts.normalized[name] += number
    return normal


def clean_numbers(
    raw: pa.Array, missing: Collection[str], read: Callable[[Any], float]
) -> CodedColumn | None:
    """Returns a column of numbers; None if one is refused.

    Args:
        raw: The column, as it is in the table.
        missing: Texts that stand for nothing known.
        read: Reads one value; raises `RowError` if it is refused, or not known.
    """
    coded = _different(raw)
    if coded is None:
        return None
    codes, values = coded
    numbers = _read_all(_reader(read, missing), values)
    if numbers is None:
        return None
    different = coded_numbers(np.array(numbers, np.float64))
    return CodedColumn(small(different.codes[codes]), different.values)


def _different(raw: pa.Array) -> tuple[Ints, pa.Array] | None:
    """Returns the place of each row among the different values, and those.

    None if a value is null, or of a type that has no such code.
    """
    kind = raw.type
    try:
        if kind in _BITS:
            raw = raw.view(_BITS[kind])
        if not pa.types.is_dictionary(kind):
            raw = raw.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return None
    values = raw.dictionary
    if raw.null_count or values.null_count:
        return None
    return raw.indices.to_numpy(), values.view(kind) if kind in _BITS else values


def _are_plain(texts: pa.Array) -> bool:
    """Says whether texts are ids as they stand: printable ASCII without blanks."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts) or pc.min(pc.binary_length(texts)).as_py() == 0:
        return False
    first, last = np.frombuffer(offsets, np.int32)[texts.offset :][[0, len(texts)]]
    marks = np.frombuffer(data, np.uint8)[first:last]
    return bool(marks.min() >= _FIRST_MARK and marks.max() <= _LAST_MARK)


def _reader(
    read: Callable[[Any], Any], missing: Collection[str]
) -> Callable[[Any], Any]:
    """Returns what reads a value as a single row would have it."""
    if not missing:
        return read
    codes = frozenset(missing)
    return lambda value: read(known_value(value, codes))


def _read_all(read: Callable[[Any], Any], values: pa.Array) -> list[Any] | None:
    try:
        return [read(value) for value in values.to_pylist()]
    except (RowError, UnwantedRowError):
        return None
