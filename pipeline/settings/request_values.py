"""Values of a request to an exported model: what they must be, and as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from transforms.reading import values as raw
from transforms.reading.row_error import RowError

_NUM_SHOWN = 5  # Of what is unknown.


def as_list(request: Mapping[str, Any], key: str) -> list[Any]:
    """Returns a list of a request; an empty one if it is missing."""
    value = request.get(key)
    if value is not None and not isinstance(value, list):
        raise ValueError(f"{key} must be a list, got {value!r}.")
    return value or []


def as_id(value: Any, key: str = "item_id") -> str:
    """Returns an id as preparation reads one: 31, 31.0 and " 31" are "31".

    Raises:
        ValueError: If it is neither a text nor a number; it names the key.
    """
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    try:
        text = raw.as_text(value) if is_plain else None
    except RowError as error:
        raise ValueError(f"{key}: {error.detail}.") from None
    if text is None:
        raise ValueError(f"{key} must be a text or a number, got {value!r}.")
    return text


def as_number(value: Any, key: str) -> float:
    """Returns a number as preparation reads one: 5, 5.0 and " 5" are 5.

    Raises:
        ValueError: If it is none, or not finite; it names the key.
    """
    try:
        number = raw.as_number(value)
    except RowError:
        number = None
    if number is None:
        raise ValueError(f"{key} must be a number, got {value!r}.")
    return number


def check_size(key: str, values: Sequence[Any], most: int, of: str = "values") -> None:
    """Checks that a list of a request is not too long.

    Raises:
        ValueError: If it is; it names the key.
    """
    if len(values) > most:
        raise ValueError(f"{key} must hold at most {most} {of}, got {len(values)}.")


def names_item(pair: Any) -> bool:
    """Whether a support pair is an object with the id or the name of an item."""
    return isinstance(pair, dict) and bool({"item_id", "item_name"} & set(pair))


def describe_unknown(answer: Mapping[str, Any]) -> str:
    """Names what a model does not know: "items 'a', 'b'; users 'c'; gender 'x'".

    Args:
        answer: Has what `ExportedModel.unknown` returns.

    Returns:
        The first ones of each kind; "" if there is nothing.
    """
    kinds = {
        "items": answer.get("unknown_items"),
        "users": answer.get("unknown_users"),
        **answer.get("unknown_values", {}),
    }
    return "; ".join(f"{kind} {_first(some)}" for kind, some in kinds.items() if some)


def _first(texts: Sequence[str]) -> str:
    shown = ", ".join(map(repr, texts[:_NUM_SHOWN]))
    num_more = len(texts) - _NUM_SHOWN
    return f"{shown} and {num_more} more" if num_more > 0 else shown


def texts(values: Sequence[Any]) -> np.ndarray:
    """Returns texts, in lists of one length if nested, as an array of UTF-8 bytes."""
    shape = np.array(values, object).shape
    encoded = [text.encode() for text in np.array(values, object).reshape(-1)]
    array = np.empty(len(encoded), object)
    array[:] = encoded
    return array.reshape(shape)


def padded(
    rows: Sequence[Any], padding: str | bytes | float, width: int | None = None
) -> np.ndarray:
    """Returns rows of any length as one array, float32 or of texts.

    Args:
        rows: B of them.
        padding: What comes after a row that is shorter.
        width: Of the array; that of the longest row by default.

    Returns:
        [B, width].
    """
    dtype = np.float32 if isinstance(padding, float) else object
    width = max(map(len, rows), default=0) if width is None else width
    array = np.full([len(rows), width], padding, dtype)
    for number, row in enumerate(rows):
        array[number, : len(row)] = row
    return array
