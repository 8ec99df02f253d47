"""Users and items written in the order of their rows, which numbers them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from transforms.entities.entity_table import EntityTable
from transforms.schema import (
    ENTITIES_DIR,
    ENTITY_COUNT_KEY,
    ENTITY_ID_KEY,
    ENTITY_ROW_KEY,
    ITEM_ID,
    USER_ID,
)
from transforms.writing.entity_files import (
    ITEM,
    SHARD_TYPE,
    USER,
    lines_of,
    names_file,
    shards_file,
    vocabulary_file,
)
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import ID, NAME, NUM_TRAINING, SHARD
from transforms.writing.tfrecord import ExampleEncoder, PackedInts, tfrecord_parts

_ID_OF = {USER: USER_ID, ITEM: ITEM_ID}


def number_entities(
    files: OutputFiles,
    kind: str,
    table: EntityTable,
    runs: Iterable[pa.Table],
) -> None:
    """Gives users or items their rows and writes all of them, as they come.

    Args:
        files: The output directory.
        kind: "user" or "item".
        table: Their features.
        runs: The rows of all runs, in order.
    """
    names = {
        ID: vocabulary_file(_ID_OF[kind]),
        NUM_TRAINING: f"{ENTITIES_DIR}/{kind}-00000-of-00001.tfrecord",
        **({SHARD: shards_file(kind)} if kind == USER else {}),
        **({NAME: names_file(kind)} if table.has_names else {}),
    }
    records = _Records(table)
    row = 1
    with contextlib.ExitStack() as stack:
        outputs = {
            column: stack.enter_context(files.writing(name))
            for column, name in names.items()
        }
        for rows in runs:
            ids = rows[ID].cast(pa.binary()).to_pylist()
            outputs[ID].write(b"\n".join([*ids, b""]))
            encoded = records.encode(row, ids, rows)
            outputs[NUM_TRAINING].writelines(tfrecord_parts(encoded))
            if SHARD in outputs:
                outputs[SHARD].write(
                    rows[SHARD].to_numpy().astype(SHARD_TYPE).tobytes()
                )
            if NAME in outputs:
                outputs[NAME].writelines(lines_of(rows[NAME].to_pylist()))
            row += len(ids)


class _Records:
    """Encodes users or items column by column, some at a time."""

    def __init__(self, table: EntityTable) -> None:
        self._features = table.encoder()
        is_number = {one.name: one.kind == "numeric" for one in table.features}
        self._example = ExampleEncoder(
            ints=[
                ENTITY_ROW_KEY,
                ENTITY_COUNT_KEY,
                *(name for name, is_float in is_number.items() if not is_float),
            ],
            floats=[name for name, is_float in is_number.items() if is_float],
            texts=[ENTITY_ID_KEY],
        )

    def encode(
        self, first: int, ids: Sequence[bytes], rows: pa.Table
    ) -> Iterator[bytes]:
        """Yields the record of each row, given the number of the first one."""
        columns = {
            ENTITY_ROW_KEY: PackedInts(np.arange(first, first + len(ids))).each(),
            ENTITY_COUNT_KEY: PackedInts(rows[NUM_TRAINING].to_numpy()).each(),
            ENTITY_ID_KEY: ids,
            **self._features.encode(rows),
        }
        in_order = (columns[key] for key in self._example.keys)
        return map(self._example.encode, zip(*in_order, strict=True))
