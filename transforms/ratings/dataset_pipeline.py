"""The whole Beam pipeline, from raw tables to episode files."""

from __future__ import annotations

from typing import Any

import apache_beam as beam

from transforms.entities.entities import ParseEntities
from transforms.ratings.catalogue import WriteCatalogue
from transforms.ratings.episode_files import WriteEpisodes
from transforms.ratings.episodes import BuildTasks
from transforms.ratings.interactions import ParseInteractions
from transforms.ratings.summaries import SummarizeShard
from transforms.reading.raw_files import find_raw_files
from transforms.reading.read_tables import BlockOptions, ReadTable
from transforms.reading.tables import columns_by_table, used_tables
from transforms.schema import DatasetSpec, EntitySpec, TableSpec
from transforms.splits import TaskSplitter
from transforms.writing.output_files import OutputFiles
from transforms.writing.rejected import REJECTED, WriteRejected


def build_pipeline(
    root: beam.Pipeline,
    spec: DatasetSpec,
    splitter: TaskSplitter,
    data_dir: str,
    files: OutputFiles,
) -> None:
    """Adds all stages to a pipeline.

    Args:
        root: The pipeline.
        spec: The data set, checked by `check_tables`.
        splitter: Decides the split of each task.
        data_dir: Folder of the raw tables.
        files: The output directory, cleared.
    """
    num_shards = spec.episodes.num_shards
    blocks = _read_tables(root, spec, data_dir)
    parsed = blocks[spec.interactions.table] | "Interactions" >> ParseInteractions(
        spec.interactions, num_shards
    )
    tasks = parsed.shards | "Tasks" >> BuildTasks(spec, splitter)
    summaries = tasks.tasks | "Summarize" >> beam.ParDo(SummarizeShard())
    users = _parse_entities(root, "users", spec.users, blocks)
    items = _parse_entities(root, "items", spec.items, blocks)
    catalogue = (
        root
        | "Once" >> beam.Create([0])
        | "Catalogue"
        >> beam.ParDo(
            WriteCatalogue(spec, files),
            *map(beam.pvalue.AsIter, (users.entities, items.entities, summaries)),
        ).with_outputs(REJECTED, main="rows")
    )
    _ = tasks.tasks | "WriteEpisodes" >> beam.ParDo(
        WriteEpisodes(files, num_shards), beam.pvalue.AsSingleton(catalogue.rows)
    )
    rejected = (
        parsed.rejected,
        *(part[REJECTED] for part in (tasks, users, items, catalogue)),
    )
    _ = rejected | "AllRejected" >> beam.Flatten() | WriteRejected(files)


def _read_tables(
    root: beam.Pipeline, spec: DatasetSpec, data_dir: str
) -> dict[TableSpec, Any]:
    """Reads each distinct table once, whatever number of uses it has."""
    block_bytes = root.options.view_as(BlockOptions).text_block_bytes
    blocks = {}
    for number, (table, columns) in enumerate(
        columns_by_table(used_tables(spec)).items()
    ):
        files = find_raw_files(table, data_dir, "table")
        read = ReadTable(
            table, columns, data_dir=data_dir, text_block_bytes=block_bytes
        )
        created = root | f"Files{number}" >> beam.Create(files)
        blocks[table] = created | f"Read{number}" >> read
    return blocks


def _parse_entities(
    root: beam.Pipeline, kind: str, spec: EntitySpec, blocks: dict[TableSpec, Any]
) -> Any:
    """Parses the table of users or items, if there is one."""
    if spec.table is None:
        found = root | f"No {kind}" >> beam.Create([])
    else:
        found = blocks[spec.table]
    return found | f"Parse {kind}" >> ParseEntities(kind, spec)
