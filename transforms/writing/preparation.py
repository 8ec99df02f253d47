"""Raw tables to a prepared data set: what the driver does before and after Beam."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.paths import absolute
from transforms.reading.read_tables import read_each_table
from transforms.reading.tables import UsedTable, check_contents, check_tables
from transforms.specs import CommonSpec
from transforms.table_spec import TableSpec
from transforms.writing.counts import write_counts
from transforms.writing.dataset_files import DatasetKind, Info, write_dataset
from transforms.writing.output_files import OutputFiles
from transforms.writing.rejected import write_rejected


class Leftovers(NamedTuple):
    """What the stages of a setting leave beside the files they write.

    Attributes:
        rejected: Collections of `RejectedRow`s.
        counts: Collections of (name of a table, `RowCounts`).
        written: What else must be done in the end: collections of nothing of use.
    """

    rejected: list[Any]
    counts: list[Any]
    written: list[Any]


# Adds the stages of a setting, given the `Block`s of each table. They write into the
# output directory.
AddStages = Callable[[Mapping[TableSpec, Any], OutputFiles], Leftovers]


def prepare(
    kind: DatasetKind[Info],
    spec: CommonSpec,
    tables: Iterable[UsedTable],
    add_stages: AddStages,
    *,
    data_dir: str,
    output_dir: str,
    fingerprint: str,
    options: PipelineOptions,
) -> Info:
    """Prepares a data set from raw tables.

    Workers and driver exchange plain files, so all of them must see both folders at
    the same paths, wherever each of them was started. Equal inputs give equal bytes,
    whatever the runner, the number of workers and the size of a block.

    Args:
        kind: Its setting.
        spec: The data set.
        tables: Its tables.
        add_stages: Adds what lies between the tables and the files.
        data_dir: Folder of the raw tables.
        output_dir: Where it goes. An earlier data set there, whole or not, is removed.
        fingerprint: Hash of inputs and options, to be kept in `dataset.json`.
        options: Beam options.

    Returns:
        What `dataset.json` says.

    Raises:
        ValueError: If an input is missing, cut or lacks a column.
        DataError: As `write_dataset`.
        RejectedRowsError: As `write_dataset`.
        JoinError: As `write_dataset`.
    """
    tables = list(tables)
    data_dir, output_dir = map(absolute, (data_dir, output_dir))
    check_tables(tables, data_dir)
    check_contents(tables, data_dir)

    def run_pipeline(files: OutputFiles) -> None:
        with beam.Pipeline(options=options) as root:
            blocks = read_each_table(root, tables, data_dir)
            left = add_stages(blocks, files)
            rejected = left.rejected | "AllRejected" >> beam.Flatten()
            counts = left.counts | "AllCounts" >> beam.Flatten()
            # `DaskRunner` does nothing that its last stage does not come from.
            _ = (
                *(rejected | write_rejected(files), counts | write_counts(files)),
                *left.written,
            ) | "All" >> beam.Flatten()

    return write_dataset(
        kind,
        run_pipeline,
        output_dir,
        fingerprint=fingerprint,
        spec=spec,
    )
