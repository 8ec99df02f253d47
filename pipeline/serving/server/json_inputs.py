"""Bodies of REST requests: JSON, by rows (`instances`) or by columns (`inputs`)."""

import base64
import binascii
import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.serving.server.request_error import invalid
from pipeline.serving.server.tensors import Array, TensorSpec, check_names

ROWS = "instances"
COLUMNS = "inputs"

_MAX_RANK = 16
_BASE64 = "b64"


@dataclasses.dataclass(frozen=True)
class PredictBody:
    """The body of a `:predict` request.

    Attributes:
        signature_name: "" for the default.
        document: All of it.
    """

    signature_name: str
    document: Mapping[str, Any]

    @classmethod
    def parse(cls, body: bytes) -> "PredictBody":
        """Reads a body. NaN, Infinity and -Infinity are numbers.

        What only a model can want is looked at when there is one: see `form`.

        Raises:
            RequestError: If it is not what it must be.
        """
        try:
            document = json.loads(body)
        except RecursionError:
            raise invalid("JSON Parse error: it is nested too deeply.") from None
        except ValueError as error:  # Of the syntax, the encoding or a huge number.
            raise invalid(f"JSON Parse error: {error}.") from None
        if not isinstance(document, dict):
            raise invalid(f"the body must be a JSON object, got {_kind(document)}.")
        signature_name = document.get("signature_name", "")
        if not isinstance(signature_name, str):
            raise invalid(
                "'signature_name' key must be a string value, "
                f"got {_kind(signature_name)}."
            )
        return cls(signature_name, document)

    @property
    def form(self) -> str:
        """Whether inputs come by rows, `ROWS`, or by columns, `COLUMNS`.

        Raises:
            RequestError: If they come by neither, or by both.
        """
        forms = [form for form in (ROWS, COLUMNS) if form in self.document]
        if len(forms) != 1:
            present = "both" if forms else "neither"
            raise invalid(f"the body must have '{ROWS}' or '{COLUMNS}', got {present}.")
        return forms[0]

    def arrays(self, specs: Mapping[str, TensorSpec]) -> dict[str, Array]:
        """Returns the inputs that a signature wants.

        Raises:
            RequestError: If they are not in the body, or not what they must be.
        """
        columns = self._columns(specs)
        check_names(columns, specs)
        return {name: _array(columns[name], spec) for name, spec in specs.items()}

    def _columns(self, specs: Mapping[str, TensorSpec]) -> Mapping[str, Any]:
        form = self.form
        rows = values = self.document[form]
        if form == COLUMNS:
            if _is_object(values):
                return dict(values)
            return {_only(specs, COLUMNS): values}
        if not isinstance(rows, list) or not rows:
            got = "an empty one" if rows == [] else _kind(rows)
            raise invalid(f"'{ROWS}' must be a list with a value, got {got}.")
        if not any(_is_object(row) for row in rows):
            return {_only(specs, ROWS): rows}
        for number, row in enumerate(rows):
            if not _is_object(row):
                raise invalid(
                    f"'{ROWS}', row {number}, must be an object as others are, "
                    f"got {_kind(row)}."
                )
            if row.keys() != rows[0].keys():
                raise invalid(
                    f"'{ROWS}', row {number}, must have the inputs of row 0, "
                    f"{sorted(rows[0])}, got {sorted(row)}."
                )
        return {name: [row[name] for row in rows] for name in rows[0]}


def _only(specs: Mapping[str, TensorSpec], form: str) -> str:
    """Returns the name of the input, of which there must be one alone."""
    if len(specs) != 1:
        raise invalid(
            f"'{form}' must have objects with the inputs {sorted(specs)} of the "
            "signature, got plain values."
        )
    return next(iter(specs))


def _array(value: Any, spec: TensorSpec) -> Array:
    shape = _shape(value, spec)
    spec.check_shape(shape)
    flat: list[Any] = []
    _flatten(value, shape, flat, spec)
    dtype = spec.numpy_dtype
    if dtype.kind == "O":
        flat = [_string(part, spec) for part in flat]
    elif dtype.kind == "b":
        _check_types(flat, {bool}, spec)
    elif dtype.kind in "iu":
        _check_types(flat, {int}, spec)
        integers = np.iinfo(dtype)
        _check_range(flat, integers.min, integers.max, spec)
    else:
        _check_types(flat, {int, float}, spec)
        largest = float(np.finfo(dtype).max)
        _check_range(flat, -largest, largest, spec)
    return np.array(flat, dtype).reshape(shape)


def _shape(value: Any, spec: TensorSpec) -> tuple[int, ...]:
    """Follows the first values down to see how lists are nested."""
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        if len(shape) > _MAX_RANK:
            raise invalid(
                f"input {spec.name!r} must be nested at most {_MAX_RANK} deep."
            )
        if not value:
            break
        value = value[0]
    return tuple(shape)


def _flatten(
    value: Any, shape: tuple[int, ...], flat: list[Any], spec: TensorSpec
) -> None:
    """Collects the values of nested lists, all of which must have one shape."""
    if not shape:
        flat.append(value)
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        received = f"one of {len(value)}" if isinstance(value, list) else _kind(value)
        raise invalid(
            f"input {spec.name!r} must have lists of one length, {shape[0]} in the "
            f"first place, got {received}."
        )
    if len(shape) == 1:
        flat.extend(value)
        return
    for part in value:
        _flatten(part, shape[1:], flat, spec)


def _check_types(flat: list[Any], types: set[type], spec: TensorSpec) -> None:
    if set(map(type, flat)) <= types:
        return
    wrong = next(value for value in flat if type(value) not in types)
    names = " or ".join(sorted(kind.__name__ for kind in types))
    raise invalid(f"input {spec.name!r} must hold {names}, got {_text(wrong)}.")


def _check_range(flat: list[Any], low: float, high: float, spec: TensorSpec) -> None:
    """Refuses what the type cannot hold; NaN and the infinities it can."""
    for value in flat:
        is_finite = isinstance(value, int) or math.isfinite(value)
        if is_finite and not low <= value <= high:
            raise invalid(
                f"input {spec.name!r} must be within [{low}, {high}], "
                f"got {_text(value)}."
            )


def _string(value: Any, spec: TensorSpec) -> bytes:
    if type(value) is str:
        try:
            return value.encode()
        except UnicodeEncodeError:
            raise invalid(
                f"input {spec.name!r} must be text, got {_text(value)}."
            ) from None
    if _is_base64(value):
        try:
            return base64.b64decode(value[_BASE64], validate=True)
        except (binascii.Error, ValueError):
            raise invalid(
                f"input {spec.name!r} must have base64 under '{_BASE64}', "
                f"got {_text(value)}."
            ) from None
    raise invalid(f"input {spec.name!r} must hold strings, got {_text(value)}.")


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    """Whether a value is bytes in disguise: {"b64": "..."}."""
    return (
        isinstance(value, dict)
        and value.keys() == {_BASE64}
        and isinstance(value[_BASE64], str)
    )


def _kind(value: Any) -> str:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "a truth value",
        type(None): "null",
    }
    return kinds.get(type(value), "a number")


def _text(value: Any) -> str:
    """Shows a value, shortened; a huge integer cannot even be printed."""
    if isinstance(value, int) and value.bit_length() > 256:
        return "a huge integer"
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
