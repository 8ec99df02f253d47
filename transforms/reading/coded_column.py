"""Columns whose values repeat: each value once, and its place in each row.

A shuffle thus carries few bytes a row, and what is done to a text is done to each
different one of a block, not to each row. And stretches of a column: the rows of one
group after those of another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class CodedColumn:
    """A column of texts or of numbers.

    Attributes:
        codes: Place in `values` of each row, unsigned and as small as it can be.
        values: The different values: a pyarrow array of texts, or float64.
    """

    codes: Ints
    values: Any

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Ints) -> CodedColumn:
        """Returns some rows, with no value that none of them has."""
        return _without_unused(self.codes[rows], self.values)

    def to_array(self) -> pa.DictionaryArray:
        """Returns it as a pyarrow array, which `coded_array` takes."""
        return pa.DictionaryArray.from_arrays(
            pa.array(self.codes), pa.array(self.values)
        )

    def to_list(self) -> list[Any]:
        """Returns the value of each row."""
        values = self.values.tolist()
        return [values[code] for code in self.codes.tolist()]


def coded_array(array: pa.DictionaryArray) -> CodedColumn:
    """Returns the column that `to_array` gave."""
    values = array.dictionary
    if not pa.types.is_string(values.type):
        values = values.to_numpy()
    return CodedColumn(array.indices.to_numpy(), values)


def coded_texts(texts: Sequence[str] | pa.Array) -> CodedColumn:
    """Returns a column of texts, given the text of each row."""
    coded = pa.array(texts, pa.string()).dictionary_encode()
    return CodedColumn(small(coded.indices.to_numpy()), coded.dictionary)


def coded_numbers(numbers: Floats) -> CodedColumn:
    """Returns a column of numbers, bit by bit: 0.0 and -0.0 are two."""
    bits = np.ascontiguousarray(numbers, np.float64).view(np.int64)
    values, codes = np.unique(bits, return_inverse=True)
    return CodedColumn(small(codes), values.view(np.float64))


def recoded(codes: Ints, values: Sequence[str]) -> CodedColumn:
    """Returns a column of texts of which some may be equal, as places among them."""
    different = coded_texts(values)
    return CodedColumn(small(different.codes[codes]), different.values)


def join_texts(columns: Iterable[CodedColumn]) -> CodedColumn:
    """Returns the rows of columns of texts one after the other."""
    columns = list(columns)
    nothing = pa.array([], pa.string())
    values = pa.concat_arrays([nothing, *(column.values for column in columns)])
    return _joined(columns, coded_texts(values))


def join_numbers(columns: Iterable[CodedColumn]) -> CodedColumn:
    """Returns the rows of columns of numbers one after the other."""
    columns = list(columns)
    values = np.concatenate([np.empty(0), *(column.values for column in columns)])
    return _joined(columns, coded_numbers(values))


def _joined(columns: Sequence[CodedColumn], different: CodedColumn) -> CodedColumn:
    """Returns the rows of columns, given the codes of the values of all."""
    codes: list[Ints] = [np.empty(0, np.uint8)]
    start = 0
    for column in columns:
        end = start + len(column.values)
        codes.append(different.codes[start:end][column.codes])
        start = end
    return CodedColumn(np.concatenate(codes), different.values)


def small(numbers: npt.NDArray[Any]) -> Ints:
    """Returns integers from 0 on in the smallest type that holds them."""
    largest = int(numbers.max()) if numbers.size else 0
    return numbers.astype(np.min_scalar_type(largest))


def _without_unused(codes: Ints, values: Any) -> CodedColumn:
    is_used = np.zeros(len(values), np.bool_)
    is_used[codes] = True
    places = np.cumsum(is_used) - 1
    used = np.flatnonzero(is_used)
    chosen = (
        values.take(pa.array(used)) if isinstance(values, pa.Array) else values[used]
    )
    return CodedColumn(small(places[codes]), chosen)


def places_of(starts: Ints, sizes: Ints) -> Ints:
    """Returns the places of all rows of stretches, stretch after stretch.

    Args:
        starts: Place of the first row of each.
        sizes: Rows of each.
    """
    ends = np.cumsum(sizes, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(starts - (ends - sizes), sizes)


def starts_of(sizes: Ints) -> Ints:
    """Returns where each stretch starts, one after the other."""
    ends: Ints = np.cumsum(sizes, dtype=np.int64)
    return ends - sizes


def places_in(order: Ints) -> Ints:
    """Returns where each row comes in an order of all rows: its inverse permutation."""
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return places
