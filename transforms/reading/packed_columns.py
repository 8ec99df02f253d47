"""Columns as few bytes, for a shuffle whose engine may hold all of it in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

_CODEC = "zstd"
_PLACE = "place"


def pack(columns: Mapping[str, pa.Array], place: Sequence[Any]) -> bytes:
    """Returns the bytes of columns.

    Args:
        columns: Columns of one length, by name.
        place: What else is to be known of them, as JSON has it.
    """
    batch = pa.record_batch(dict(columns))
    batch = batch.replace_schema_metadata({_PLACE: json.dumps(place)})
    options = pa.ipc.IpcWriteOptions(compression=_CODEC, use_threads=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def unpack(data: bytes) -> tuple[dict[str, pa.Array], list[Any]]:
    """Returns the columns, by name, and what else is known of them."""
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with pa.ipc.open_stream(data, options=options) as reader:
        batch = reader.read_next_batch()
    columns = {name: batch.column(name) for name in batch.schema.names}
    return columns, json.loads(batch.schema.metadata[_PLACE.encode()])
