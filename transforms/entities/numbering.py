"""Users and items written in the order of their rows, which numbers them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa

from transforms.entities.entity_table import EntityTable, FeatureEncoder
from transforms.schema import ENTITIES_DIR, ITEM_ID, USER_ID
from transforms.writing.entity_files import (
    ITEM,
    SHARD_TYPE,
    USER,
    encode_entity,
    lines_of,
    names_file,
    shards_file,
    vocabulary_file,
)
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import ID, NAME, NUM_TRAINING, SHARD
from transforms.writing.tfrecord import tfrecord_parts

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
    encoder = table.encoder()
    row = 1
    with contextlib.ExitStack() as stack:
        outputs = {
            column: stack.enter_context(files.writing(name))
            for column, name in names.items()
        }
        for rows in runs:
            ids = rows[ID].to_pylist()
            outputs[ID].writelines(lines_of(ids))
            records = _records(row, ids, rows, table, encoder)
            outputs[NUM_TRAINING].writelines(tfrecord_parts(records))
            if SHARD in outputs:
                outputs[SHARD].write(
                    rows[SHARD].to_numpy().astype(SHARD_TYPE).tobytes()
                )
            if NAME in outputs:
                outputs[NAME].writelines(lines_of(rows[NAME].to_pylist()))
            row += len(ids)


def _records(
    first: int,
    ids: Sequence[str],
    rows: pa.Table,
    table: EntityTable,
    encoder: FeatureEncoder,
) -> Iterator[bytes]:
    """Yields the record of each of some rows, given the number of the first one."""
    columns = [rows[feature.name].to_pylist() for feature in table.features]
    values = zip(*columns, strict=True) if columns else itertools.repeat(())
    counts = rows[NUM_TRAINING].to_pylist()
    columns_of_rows = itertools.count(first), ids, counts, values
    for row, one, count, of_one in zip(*columns_of_rows, strict=False):
        ints, floats = encoder.encode(of_one)
        yield encode_entity(row, one, count, ints=ints, floats=floats)
