"""The users and items of a data set: numbered and written by one worker."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms.entities.entity_table import EntityTable
from transforms.reading.coded_column import Ints
from transforms.reading.grouping import gather, of_kinds
from transforms.reading.rejected_row import REJECTED, RejectedRow
from transforms.row_counts import RowCounts
from transforms.schema import (
    ENTITIES_DIR,
    ENTITY_COUNT_KEY,
    ENTITY_ID_KEY,
    ENTITY_ROW_KEY,
    ITEM_ID,
    USER_ID,
    CommonInfo,
)
from transforms.writing.dataset_files import stage_info
from transforms.writing.entity_files import (
    ITEM,
    SHARD_TYPE,
    USER,
    lines_of,
    names_file,
    shards_file,
    vocabulary_file,
    write_names,
    write_vocabulary,
)
from transforms.writing.output_files import SCHEMA_PBTXT, STATISTICS_PBTXT, OutputFiles
from transforms.writing.run_files import ID, NAME, NUM_TRAINING, SHARD, read_runs
from transforms.writing.statistics import proto_file
from transforms.writing.tfrecord import ExampleEncoder, PackedInts, tfrecord_parts

# Kind of output beside `REJECTED`.
_WRITTEN = "written"

_ENTITIES = Metrics.counter("cmml", "entities_written")

_ID_OF = {USER: USER_ID, ITEM: ITEM_ID}


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The users and items: numbered, named, counted.

    Attributes:
        entities: All but the users and items themselves, by kind: "user" and "item".
        order: Returns the places of ids of users or items in the order of their rows.
        vocabularies: Values by name of the vocabulary, those of features apart.
        names: Names for people in row order, by kind, those of items apart.
        schema: Types and ranges of an episode record.
        statistics: Counts of each split.
        info: What `dataset.json` says, but for what the driver adds.
        counts: What became of the rows of each table that its parser took.
        rejected: Rows that say something else than an earlier one.
    """

    entities: Mapping[str, EntityTable]
    order: Callable[[pa.Array], Ints]
    vocabularies: Mapping[str, Iterable[str]]
    names: Mapping[str, Iterable[str]]
    schema: schema_pb2.Schema
    statistics: statistics_pb2.DatasetFeatureStatisticsList
    info: CommonInfo
    counts: Mapping[str, RowCounts]
    rejected: Sequence[RejectedRow]

    def write(self, files: OutputFiles) -> None:
        """Writes all but the refused rows."""
        for kind, table in self.entities.items():
            number_entities(files, kind, table, read_runs(files, kind, self.order))
            _write_vocabularies(files, table.vocabularies)
        _write_vocabularies(files, self.vocabularies)
        for kind, names in self.names.items():
            write_names(files, kind, names)
        files.write(SCHEMA_PBTXT, proto_file(self.schema))
        files.write(STATISTICS_PBTXT, proto_file(self.statistics))
        stage_info(files, self.info, self.counts)


def _write_vocabularies(
    files: OutputFiles, vocabularies: Mapping[str, Iterable[str]]
) -> None:
    for name, values in vocabularies.items():
        write_vocabulary(files, name, values)


@beam.ptransform_fn
def write_catalogue(
    known: Mapping[str, beam.PCollection],
    make: Callable[..., Catalogue],
    files: OutputFiles,
) -> tuple[beam.PCollection, ...]:
    """Makes the catalogue and writes it.

    One worker writes all users and items, and holds few of them at a time.

    Input: what is known of users and items, collections by name. The runs of both must
        be written.
    Output: one element, once the files are there; `RejectedRow`s.

    Args:
        known: The input.
        make: Makes the catalogue of the elements of each collection, by its name.
        files: The output directory.
    """
    write = beam.ParDo(_WriteCatalogue(make, files))
    return of_kinds(known | "Gather" >> gather() | "Write" >> write, _WRITTEN, REJECTED)


@dataclasses.dataclass(eq=False)
class _WriteCatalogue(beam.DoFn):
    make: Callable[..., Catalogue]
    files: OutputFiles

    def process(self, known: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, Any]]:
        catalogue = self.make(**known)
        for row in catalogue.rejected:
            yield REJECTED, row
        catalogue.write(self.files)
        _ENTITIES.inc(catalogue.info.num_users + catalogue.info.num_items)
        yield _WRITTEN, None


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
        self._table = table
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
            **self._table.encode(rows),
        }
        in_order = (columns[key] for key in self._example.keys)
        return map(self._example.encode, zip(*in_order, strict=True))
