"""Brings what workers know of users and items together, by partition of their ids."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from transforms.entities.entities import EntityBlock
from transforms.entities.entity_counts import EntityCounts
from transforms.entities.entity_runs import MakeRuns, Partition
from transforms.entities.forms_of_ids import partitions_of
from transforms.reading.grouping import group_by_shard, of_kinds
from transforms.reading.rejected_row import REJECTED
from transforms.writing.entity_files import KINDS
from transforms.writing.output_files import OutputFiles
from transforms.writing.run_files import write_run

# Kind of output beside `REJECTED`.
_SUMMARY = "summary"

_PARTS = Metrics.counter("cmml", "parts_of_entities")
_RUNS = Metrics.counter("cmml", "runs_of_entities")

_MOST_PARTITIONS = 256  # A reader holds a part of each.


@beam.ptransform_fn
def write_runs(
    known: Mapping[str, beam.PCollection],
    make: MakeRuns,
    files: OutputFiles,
    num_shards: int,
) -> tuple[beam.PCollection, ...]:
    """Writes the sorted runs of users and of items, by kind and partition.

    Input: collections of (kind, `EntityCounts` or `EntityBlock`), by a name each.
    Output: (kind, `RunSummary`) of each run; `RejectedRow`s.

    Args:
        known: The input.
        make: Makes the runs.
        files: The output directory.
        num_shards: Shards of the data set, of which there is a partition each unless
            they are many.
    """
    number = min(num_shards, _MOST_PARTITIONS)
    pairs = (
        tuple(known.values())
        | "All" >> beam.Flatten()
        | "Part" >> beam.ParDo(_Part(make, number))
        | "ByPartition" >> group_by_shard(len(KINDS) * number, None)
        | "Write" >> beam.ParDo(_WriteRun(make, files, number))
    )
    return of_kinds(pairs, _SUMMARY, REJECTED)


@dataclasses.dataclass(eq=False)
class _Part(beam.DoFn):
    """Parts what is known of users or items by their ids."""

    make: MakeRuns
    number: int

    def process(
        self, element: tuple[str, EntityCounts | EntityBlock]
    ) -> Iterator[tuple[int, EntityCounts | EntityBlock]]:
        kind, known = element
        start = KINDS.index(kind) * self.number
        if isinstance(known, EntityCounts):
            ids = self.make.raw_ids(known.ids)
        else:
            raw = [entity.entity_id for entity in known.entities]
            ids = pa.array(raw, pa.string())
        partitions = partitions_of(ids, self.number)
        for partition in np.unique(partitions).tolist():
            _PARTS.inc()
            places = np.flatnonzero(partitions == partition)
            yield start + partition, known.take(places)


@dataclasses.dataclass(eq=False)
class _WriteRun(beam.DoFn):
    make: MakeRuns
    files: OutputFiles
    number: int

    def process(
        self, group: tuple[int, Iterable[EntityCounts | EntityBlock | None]]
    ) -> Iterator[tuple[str, Any]]:
        key, elements = group
        place, number = divmod(key, self.number)
        counts: list[EntityCounts] = []
        blocks: dict[str, list[EntityBlock]] = {}
        for one in elements:
            if isinstance(one, EntityCounts):
                counts.append(one)
            elif one is not None:
                blocks.setdefault(one.table, []).append(one)
        kind = KINDS[place]
        partition = Partition(number, self.number)
        run = self.make.run(kind, partition, counts, blocks)
        for row in run.rejected:
            yield REJECTED, row
        write_run(self.files, kind, *partition, run.rows)
        _RUNS.inc()
        yield _SUMMARY, (kind, run.summary)
