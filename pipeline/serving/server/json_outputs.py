"""Answers of REST: JSON, by rows (`predictions`) or by columns (`outputs`)."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.serving.server.json_inputs import ROWS
from pipeline.serving.server.request_error import invalid
from pipeline.serving.server.tensors import Array

_BYTES_SUFFIX = "_bytes"


def answer(outputs: Mapping[str, Array], form: str) -> str:
    """Writes outputs in the form of the request.

    A single output has no name. Outputs whose name ends in `_bytes` are base64.

    Args:
        outputs: By name.
        form: Of the request, `ROWS` or `COLUMNS`.

    Raises:
        RequestError: If rows are requested that the outputs do not have.
    """
    columns = {name: _plain(name, array) for name, array in sorted(outputs.items())}
    if form != ROWS:
        (only, *others) = columns.values()
        return _dump({"outputs": columns if others else only})
    sizes = {array.shape[0] if array.ndim else -1 for array in outputs.values()}
    if len(sizes) > 1 or -1 in sizes:
        shapes = {name: list(array.shape) for name, array in outputs.items()}
        raise invalid(
            f"outputs must have one batch size to be split in rows, got {shapes}: "
            "ask with 'inputs'."
        )
    if len(columns) == 1:
        return _dump({"predictions": next(iter(columns.values()))})
    rows = zip(*columns.values(), strict=True)
    return _dump(
        {"predictions": [dict(zip(columns, row, strict=True)) for row in rows]}
    )


def error(message: str) -> str:
    """Writes an error."""
    return _dump({"error": message})


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plain(name: str, array: Array) -> Any:
    """Turns an output into nested lists."""
    if array.dtype.kind == "O":
        as_plain = _base64 if name.endswith(_BYTES_SUFFIX) else _text
        values = np.empty(array.size, object)
        values[:] = [as_plain(value) for value in array.flat]
        return values.reshape(array.shape).tolist()
    if array.dtype == np.float32:
        # By way of the shortest text: 0.2, not 0.20000000298023224.
        return array.astype(np.str_).astype(np.float64).tolist()
    return array.tolist()


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}
