"""Support sets and ids as Python has them, made to what a request holds."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np


@runtime_checkable
class Frame(Protocol):
    """A data frame: of pandas, Polars, or any other whose columns have `to_list`."""

    @property
    def columns(self) -> Iterable[Any]:
        """Names of its columns."""
        ...

    def __getitem__(self, name: Any, /) -> Any:
        """Returns a column."""
        ...


@runtime_checkable
class Row(Protocol):
    """A row of a data frame of pandas."""

    def to_dict(self) -> dict[Any, Any]:
        """Returns its values by the names of the columns."""
        ...


Features: TypeAlias = Mapping[str, Any] | Row
Support: TypeAlias = Iterable[Mapping[str, Any] | Sequence[Any]] | Frame
Ids: TypeAlias = Iterable[str | int | float]


def support_pairs(
    support: Support, keys: Sequence[str], *, needs_label: bool
) -> list[dict[str, Any]]:
    """Returns a support set as a request holds it.

    Args:
        support: Pairs as dicts, which are left as they are; as tuples with the values
            of the keys, in their order; or as rows of a data frame with these columns,
            of which others are left out.
        keys: What a pair has, its label last.
        needs_label: Whether a tuple or a data frame must have the label.

    Returns:
        One dict a pair, NumPy's numbers made plain.

    Raises:
        ValueError: If it is none of these; it names what came.
    """
    needed = list(keys if needs_label else keys[:-1])
    if isinstance(support, Frame):
        return _frame_pairs(support, keys, needed)
    if isinstance(support, str | Mapping) or not isinstance(support, Iterable):
        raise ValueError(
            f"support must be a list of pairs or a data frame, got {support!r}."
        )
    return [_pair(pair, keys, needed) for pair in support]


def ids(key: str, values: Ids) -> list[Any]:
    """Returns ids as a request holds them.

    Args:
        key: What they are, for the error.
        values: Any number of ids: a list, an array, a column.

    Raises:
        ValueError: If it is one text, a data frame, which would be gone through by the
            names of its columns, or nothing to go through; it names the key.
    """
    is_one = isinstance(values, str | bytes | Frame)
    if is_one or not isinstance(values, Iterable):
        raise ValueError(f"{key} must be a list of item ids, got {values!r}.")
    return [plain(value) for value in values]


def features(key: str, values: Features) -> dict[str, Any]:
    """Returns features as a request holds them.

    Args:
        key: What they are, for the error.
        values: By name: a mapping, or a row of a data frame.

    Raises:
        ValueError: If it is neither; it names the key.
    """
    if not isinstance(values, Mapping):
        if not isinstance(values, Row):
            raise ValueError(f"{key} must be a dict of features, got {values!r}.")
        values = values.to_dict()
    return {name: plain(value) for name, value in values.items()}


def plain(value: Any) -> Any:
    """Returns what NumPy holds as a Python value or a list, others as they are.

    What pandas has in place of a missing value is None, in a list too.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(element) for element in value]
    pandas = sys.modules.get("pandas")  # Such a value is there only if pandas is.
    if pandas is not None and (value is pandas.NA or value is pandas.NaT):
        return None
    return value


def _pair(pair: Any, keys: Sequence[str], needed: Sequence[str]) -> dict[str, Any]:
    if isinstance(pair, Mapping):
        return {key: plain(value) for key, value in pair.items()}
    is_row = isinstance(pair, Sequence | np.ndarray) and not isinstance(pair, str)
    if not is_row or not len(needed) <= len(pair) <= len(keys):
        others = "".join(f"[, {key}]" for key in keys[len(needed) :])
        raise ValueError(
            f"a support pair must be a dict or a tuple ({', '.join(needed)}{others}), "
            f"got {pair!r}."
        )
    return {key: plain(value) for key, value in zip(keys, pair, strict=False)}


def _frame_pairs(
    frame: Frame, keys: Sequence[str], needed: Sequence[str]
) -> list[dict[str, Any]]:
    columns = list(frame.columns)
    if not set(needed) <= set(columns):
        raise ValueError(f"support must have the columns {needed}, got {columns}.")
    names = [key for key in keys if key in columns]
    columns_of_pairs = (map(plain, frame[name].to_list()) for name in names)
    rows = zip(*columns_of_pairs, strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]
