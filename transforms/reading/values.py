"""Raw field values, of whatever type a table holds, as texts and numbers."""

import datetime
import math
from collections.abc import Mapping

from transforms.raw_text import normal_id, time_of
from transforms.reading.row_error import (
    ENCODING,
    MALFORMED,
    MISSING_FIELD,
    NOT_A_NUMBER,
    NOT_A_TIME,
    RowError,
)

_CONTAINERS = (list, tuple, dict, set)


def as_text(value: object, *, one_line: bool = False) -> str | None:
    """Returns a field as one text without blanks around it, or None if it is empty.

    Whole floats lose their fraction, because ids with gaps come out of pandas and
    Parquet as floats: 31.0 is the id "31".

    Args:
        value: Text, number, truth value, UTF-8 bytes, or None.
        one_line: Whether line breaks become blanks, and are no error.

    Returns:
        The text; None for None, NaN and blank text.

    Raises:
        RowError: If the value is a list or mapping, holds a line break (one line of a
            vocabulary file is one value), or is no valid UTF-8.
    """
    if isinstance(value, str):
        text = value.strip()
    elif value is None:
        return None
    elif isinstance(value, bytes):
        text = _decode(value).strip()
    elif isinstance(value, float):
        if math.isnan(value):
            return None
        text = str(int(value)) if value.is_integer() else str(value)
    elif isinstance(value, _CONTAINERS):
        raise RowError(MALFORMED, f"expected one value, got {value!r}")
    else:
        text = str(value)
    if not text.isprintable() and len(lines := text.splitlines()) > 1:
        if one_line:
            return as_text(" ".join(lines))
        raise RowError(MALFORMED, f"line break inside the value {text!r}")
    if not text.isascii():
        _check_utf8(text)
    return text or None


def as_id(value: object, column: str, *, normalize: bool = False) -> str:
    """Returns a field as an id.

    Args:
        value: As of `as_text`.
        column: Its column.
        normalize: Whether ids that differ in form only are one; see `normal_id`.

    Raises:
        RowError: If the field is empty or cannot be an id.
    """
    text = as_text(value)
    if text is None:
        raise RowError(MISSING_FIELD, f"{column} is empty")
    return normal_form(text, column) if normalize else text


def normal_form(text: str, column: str) -> str:
    """Returns an id without what ids that mean the same may differ in; see `normal_id`.

    Raises:
        RowError: If nothing is left of it.
    """
    if not (normal := normal_id(text)):
        raise RowError(MISSING_FIELD, f"{column} has no sign that can be seen")
    return normal


def as_number(value: object) -> float | None:
    """Returns a field as a finite number, or None if it is empty.

    Args:
        value: Text, number, truth value, or None.

    Raises:
        RowError: If the value is not a finite number. NaN counts as one that is not,
            and so does an underscore between digits, which only Python reads.
    """
    if isinstance(value, bytes):
        value = _decode(value)
    try:
        number = float(value)  # type: ignore[arg-type]  # The except is the check.
    except (TypeError, ValueError, OverflowError):
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        raise RowError(NOT_A_NUMBER, f"expected a number, got {value!r}") from None
    if not math.isfinite(number) or (isinstance(value, str) and "_" in value):
        raise RowError(NOT_A_NUMBER, f"expected a finite number, got {value!r}")
    return number


def as_time(value: object, column: str) -> float:
    """Returns a field as a time: a number as it is, a date in seconds since 1970.

    Raises:
        RowError: If it is neither.
    """
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime(
            value.year, value.month, value.day, tzinfo=datetime.UTC
        )
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=value.tzinfo or datetime.UTC).timestamp()
    text = as_text(value)
    if text is None:
        raise RowError(MISSING_FIELD, f"{column} is empty")
    try:
        return time_of(text)
    except ValueError:
        detail = f"{column} must be a number or a date such as 2001-02-03, got {text!r}"
        raise RowError(NOT_A_TIME, detail) from None


def as_json(row: Mapping[str, object]) -> dict[str, object]:
    """Returns a row whose values all have a JSON form, for the refused rows."""
    return {column: _json_value(value) for column, value in row.items()}


def _json_value(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, list | tuple):
        return [_json_value(element) for element in value]
    return str(value)


def _decode(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowError(ENCODING, f"not utf-8: {error}") from None


def _check_utf8(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RowError(ENCODING, f"not encodable as utf-8: {error}") from None
