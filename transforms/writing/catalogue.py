"""What is said of the users and items of a data set, written by one worker."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.rejected_row import REJECTED, RejectedRow
from transforms.row_counts import RowCounts
from transforms.schema import CommonInfo
from transforms.writing.dataset_files import stage_info
from transforms.writing.entity_files import (
    EntityRows,
    write_entities,
    write_names,
    write_vocabulary,
)
from transforms.writing.output_files import (
    SCHEMA_PBTXT,
    STATISTICS_PBTXT,
    OutputFiles,
)
from transforms.writing.protos import proto_file

_ENTITIES = Metrics.counter("cmml", "entities_written")


@dataclasses.dataclass(frozen=True)
class Catalogue:
    """The users and items: numbered, named, counted.

    Attributes:
        rows: The row of each.
        records: Their records in row order, by kind: "user" and "item".
        vocabularies: Values by name of the vocabulary.
        names: Names for people in row order, by kind, where there are any.
        schema: Types and ranges of an episode record.
        statistics: Counts of each split.
        info: What `dataset.json` says, but for what the driver adds.
        counts: What became of the rows of each table that its parser took.
        rejected: Rows that say something else than an earlier one.
    """

    rows: EntityRows
    records: Mapping[str, Iterable[bytes]]
    vocabularies: Mapping[str, Iterable[str]]
    names: Mapping[str, Iterable[str]]
    schema: schema_pb2.Schema
    statistics: statistics_pb2.DatasetFeatureStatisticsList
    info: CommonInfo
    counts: Mapping[str, RowCounts]
    rejected: Sequence[RejectedRow]

    def write(self, files: OutputFiles) -> None:
        """Writes all but the refused rows."""
        for kind, records in self.records.items():
            write_entities(files, kind, records)
        for name, values in self.vocabularies.items():
            write_vocabulary(files, name, values)
        for kind, names in self.names.items():
            write_names(files, kind, names)
        files.write(SCHEMA_PBTXT, proto_file(self.schema))
        files.write(STATISTICS_PBTXT, proto_file(self.statistics))
        stage_info(files, self.info, self.counts)


def write_catalogue(
    root: beam.Pipeline,
    make: Callable[..., Catalogue],
    files: OutputFiles,
    sides: Iterable[Any],
) -> Any:
    """Adds the stage that makes the catalogue and writes it.

    One worker holds all users and items, as the model's tables do later.

    Args:
        root: The pipeline.
        make: Makes the catalogue of the side inputs.
        files: The output directory.
        sides: The side inputs.

    Returns:
        The `EntityRows` under `rows`, `RejectedRow`s under `rejected`.
    """
    write = beam.ParDo(_WriteCatalogue(make, files), *sides)
    once = root | "Once" >> beam.Create([0])
    return once | "Catalogue" >> write.with_outputs(REJECTED, main="rows")


class _WriteCatalogue(beam.DoFn):
    def __init__(self, make: Callable[..., Catalogue], files: OutputFiles) -> None:
        super().__init__()
        self._make = make
        self._files = files

    @no_beam_hints
    def process(self, _: object, *sides: Any) -> Iterator[Any]:
        catalogue = self._make(*sides)
        for row in catalogue.rejected:
            yield beam.pvalue.TaggedOutput(REJECTED, row)
        catalogue.write(self._files)
        _ENTITIES.inc(len(catalogue.rows.users) + len(catalogue.rows.items))
        yield catalogue.rows
