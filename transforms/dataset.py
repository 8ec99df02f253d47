"""Raw tables to a prepared data set: the whole pipeline, and what the driver adds."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from transforms import schema
from transforms.catalogue import CatalogueInfo, WriteCatalogue, staged_info
from transforms.entities import ParseEntities
from transforms.episode_files import WriteEpisodes
from transforms.episodes import BuildTasks
from transforms.interactions import INTERACTIONS, ParseInteractions
from transforms.output_files import ANOMALIES_PBTXT, STAGE_DIR, OutputFiles
from transforms.raw_files import find_raw_files
from transforms.read_tables import BlockOptions, ReadTable
from transforms.rejected import (
    REJECTED,
    RejectedRowsError,
    WriteRejected,
    collect_rejected,
)
from transforms.schema import DatasetInfo, DatasetSpec, TableSpec
from transforms.splits import TaskSplitter, load_splitter
from transforms.statistics import build_anomalies, proto_file
from transforms.summaries import SummarizeShard
from transforms.tables import check_tables, columns_by_table

_logger = logging.getLogger(__name__)


def prepare_dataset(
    spec: DatasetSpec,
    data_dir: str,
    output_dir: str,
    *,
    fingerprint: str,
    options: PipelineOptions,
) -> DatasetInfo:
    """Prepares a data set from raw tables.

    Workers and driver exchange plain files, so all of them must see both folders at
    the same paths. Equal inputs give equal bytes, whatever the runner, the number of
    workers and the size of a block.

    Args:
        spec: The data set.
        data_dir: Folder of the raw tables.
        output_dir: Where it goes. An earlier data set there, whole or not, is removed.
        fingerprint: Hash of inputs and options, to be kept in `dataset.json`.
        options: Beam options.

    Returns:
        What `dataset.json` says.

    Raises:
        ValueError: If an input is missing or lacks a column, the output directory
            holds foreign files, or no meta-train task is left.
        RejectedRowsError: If more interactions were refused than the specification
            allows. The refused rows, and nothing else, stay in the output directory.
    """
    check_tables(spec, data_dir)
    splitter = load_splitter(spec.split, data_dir)
    files = OutputFiles(output_dir)
    files.clear()
    _logger.info("Preparing %s", output_dir)
    with beam.Pipeline(options=options) as root:
        build_pipeline(root, spec, splitter, data_dir, files)
    _logger.info("Collecting the refused rows and the counts")
    rejected = collect_rejected(files)
    info = staged_info(files)
    try:
        _check_rejected(spec, output_dir, rejected.get(INTERACTIONS, Counter()), info)
        _check_meta_train(info)
    except ValueError:
        files.keep_only_rejected()
        raise
    num_rejected = sum(rejected.values(), Counter[str]())
    dataset_info = _dataset_info(spec, fingerprint, info, num_rejected)
    files.write(ANOMALIES_PBTXT, proto_file(build_anomalies(num_rejected)))
    files.write(schema.DATASET_JSON, dataset_info.to_json().encode())
    files.write(schema.SUCCESS, b"")
    files.remove(STAGE_DIR)
    _logger.info("Prepared %s tasks in %s", dict(info.num_tasks), output_dir)
    return schema.load_dataset_info(output_dir)


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
    rejected = [parsed.rejected, tasks[REJECTED]]
    entity_blocks = []
    for kind, entity_spec in (("users", spec.users), ("items", spec.items)):
        if entity_spec.table is None:
            entity_blocks.append(root | f"No {kind}" >> beam.Create([]))
            continue
        parse = ParseEntities(kind, entity_spec)
        entities = blocks[entity_spec.table] | f"Parse {kind}" >> parse
        entity_blocks.append(entities.entities)
        rejected.append(entities[REJECTED])
    catalogue = (
        root
        | "Once" >> beam.Create([0])
        | "Catalogue"
        >> beam.ParDo(
            WriteCatalogue(spec, files),
            *map(beam.pvalue.AsIter, (*entity_blocks, summaries)),
        ).with_outputs(REJECTED, main="rows")
    )
    rejected.append(catalogue[REJECTED])
    _ = tasks.tasks | "WriteEpisodes" >> beam.ParDo(
        WriteEpisodes(files, num_shards), beam.pvalue.AsSingleton(catalogue.rows)
    )
    _ = rejected | "AllRejected" >> beam.Flatten() | WriteRejected(files)


def _read_tables(
    root: beam.Pipeline, spec: DatasetSpec, data_dir: str
) -> dict[TableSpec, Any]:
    """Reads each distinct table once, whatever number of uses it has."""
    block_bytes = root.options.view_as(BlockOptions).text_block_bytes
    blocks = {}
    for number, (table, columns) in enumerate(columns_by_table(spec).items()):
        files = find_raw_files(table, data_dir, "table")
        read = ReadTable(
            table, columns, data_dir=data_dir, text_block_bytes=block_bytes
        )
        created = root | f"Files{number}" >> beam.Create(files)
        blocks[table] = created | f"Read{number}" >> read
    return blocks


def _check_rejected(
    spec: DatasetSpec, output_dir: str, reasons: Counter[str], info: CatalogueInfo
) -> None:
    """Compares the share of refused interactions with the limit."""
    refused = reasons.total()
    num_legal = sum(info.num_interactions.values()) + sum(
        count for reason, count in info.num_dropped.items() if reason.startswith("pair")
    )
    share = refused / max(refused + num_legal, 1)
    if share > spec.max_rejected_fraction:
        counts = ", ".join(f"{n} {reason}" for reason, n in reasons.most_common())
        raise RejectedRowsError(
            f"max_rejected_fraction allows {spec.max_rejected_fraction:.2%} of the "
            f"interactions to be refused, got {share:.2%} ({refused} of "
            f"{refused + num_legal}: {counts}). See {output_dir}/{schema.REJECTED_DIR}."
        )


def _check_meta_train(info: CatalogueInfo) -> None:
    if not info.num_tasks[schema.META_TRAIN]:
        raise ValueError(
            "at least one task must be in meta-train, got none. Left out: "
            f"{dict(info.num_dropped)}. Lower episodes.query_size or "
            "episodes.min_support_size, or check the split."
        )


def _dataset_info(
    spec: DatasetSpec,
    fingerprint: str,
    info: CatalogueInfo,
    num_rejected: Mapping[str, int],
) -> DatasetInfo:
    fields = {
        field.name: getattr(info, field.name) for field in dataclasses.fields(info)
    }
    return DatasetInfo(
        fingerprint=fingerprint,
        label_min=spec.interactions.label_min,
        label_max=spec.interactions.label_max,
        num_rejected=dict(num_rejected),
        options=dataclasses.asdict(spec),
        has_item_names=spec.items.name_column is not None,
        **fields,
    )
