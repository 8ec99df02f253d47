"""Requests that are wrong in a known way, the same for the same generator."""

import copy
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from pipeline.serving.rest_client import Columns

Generator: TypeAlias = np.random.Generator

_LONG_ID = 10_000
_MANY_PAIRS = 10_000
_DEEP = 5_000


def _set(name: str, value: Any) -> Callable[[Columns, Generator], Columns]:
    """Returns what replaces one input."""
    return lambda columns, rng: columns | {name: value}


def _without_one(columns: Columns, rng: Generator) -> Columns:
    lost = rng.choice(sorted(columns))
    return {name: values for name, values in columns.items() if name != lost}


def _one_label(value: float) -> Callable[[Columns, Generator], Columns]:
    def change(columns: Columns, rng: Generator) -> Columns:
        changed = copy.deepcopy(columns)
        labels = changed["support_label"][0]
        labels[rng.integers(len(labels))] = value
        return changed

    return change


def _more_pairs(columns: Columns, rng: Generator) -> Columns:
    support = {n: v for n, v in columns.items() if n.startswith("support_")}
    return columns | {
        name: [rows[0][:1] * _MANY_PAIRS] for name, rows in support.items()
    }


def _one_row_more(columns: Columns, rng: Generator) -> Columns:
    name = rng.choice(sorted(columns))
    return columns | {name: columns[name] * 2}


def _longer_labels(columns: Columns, rng: Generator) -> Columns:
    (labels,) = columns["support_label"]
    return columns | {"support_label": [[*labels, 1.0]]}


# What is wrong with the inputs of `rank`, whatever carries them.
WRONG_INPUTS: dict[str, Callable[[Columns, Generator], Columns]] = {
    "text for numbers": _set("support_label", [["many"]]),
    "numbers for ids": _set("query_item_id", [[1.5, 2.5]]),
    "a value for a list": _set("query_item_id", "31"),
    "one axis too many": _set("query_item_id", [[["31"]]]),
    "an input missing": _without_one,
    "an input too many": _set("query_colour", [["red"]]),
    "no inputs": lambda columns, rng: {},
    "label NaN": _one_label(float("nan")),
    "label infinite": _one_label(float("inf")),
    "label out of range": _one_label(-1e30),
    "an id of 10 kB": _set("query_item_id", [["x" * _LONG_ID]]),
    "10,000 support pairs": _more_pairs,
    "rows that differ": _one_row_more,
    "more labels than ids": _longer_labels,
}


def message(model_name: str, columns: Columns) -> predict_pb2.PredictRequest:
    """Returns a `rank` request with inputs of whatever type they are."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = "rank"
    for name, values in columns.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return request


def _flip(data: bytes, rng: Generator) -> bytes:
    """Changes some bytes."""
    changed = bytearray(data)
    for place in rng.integers(0, len(data), 8):
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed)


def _cut(data: bytes, rng: Generator) -> bytes:
    return data[: int(rng.integers(1, len(data)))]


def _random(data: bytes, rng: Generator) -> bytes:
    return rng.bytes(int(rng.integers(1, 4096)))


def _with_shape(size: int) -> Callable[[bytes, Generator], bytes]:
    """Returns what states a shape that the values do not have."""

    def change(data: bytes, rng: Generator) -> bytes:
        request = predict_pb2.PredictRequest.FromString(data)
        request.inputs["query_item_id"].tensor_shape.dim[1].size = size
        return bytes(request.SerializeToString())

    return change


def _with_spec(field: str, value: str) -> Callable[[bytes, Generator], bytes]:
    def change(data: bytes, rng: Generator) -> bytes:
        request = predict_pb2.PredictRequest.FromString(data)
        setattr(request.model_spec, field, value)
        return bytes(request.SerializeToString())

    return change


# What is wrong with the bytes of a message.
WRONG_MESSAGES: dict[str, Callable[[bytes, Generator], bytes]] = {
    "random bytes": _random,
    "bytes flipped": _flip,
    "cut off": _cut,
    "empty": lambda data, rng: b"",
    "a shape of 2**40": _with_shape(2**40),
    "a negative shape": _with_shape(-5),
    "an unknown signature": _with_spec("signature_name", "nope"),
    "an unknown model": _with_spec("name", "nope"),
    "an unknown label": _with_spec("version_label", "nope"),
}


def _body(**changes: Any) -> Callable[[bytes, Generator], bytes]:
    return lambda data, rng: json.dumps({**json.loads(data), **changes}).encode()


# What is wrong with the body of a REST request.
WRONG_BODIES: dict[str, Callable[[bytes, Generator], bytes]] = {
    "random bytes": _random,
    "bytes flipped": _flip,
    "cut off": _cut,
    "empty": lambda data, rng: b"",
    "no object": lambda data, rng: b"[1, 2]",
    "deeply nested": lambda data, rng: b"[" * _DEEP,
    "ragged lists": _body(inputs={"support_label": [[1.0], [1.0, 2.0]]}),
    "an unknown signature": _body(signature_name="nope"),
    "rows and columns at once": _body(instances=[{}]),
    "rows that are no objects": lambda data, rng: b'{"instances": [1, "a"]}',
}
