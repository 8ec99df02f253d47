"""Raw tables of ratings to a prepared data set: the stages between."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.entities.entities import parse_entities
from transforms.ratings.catalogue import rating_catalogue
from transforms.ratings.episodes import BuildTasks, TaskShard
from transforms.ratings.interactions import INTERACTIONS, parse_interactions
from transforms.ratings.records import encode_episode
from transforms.ratings.summaries import summarize
from transforms.ratings.tables import used_tables
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.rejected_row import REJECTED
from transforms.schema import (
    NO_TASK,
    SPLITS,
    DatasetInfo,
    DatasetSpec,
    EntitySpec,
    TableSpec,
)
from transforms.splits import TaskSplitter, load_splitter
from transforms.writing.catalogue import write_catalogue
from transforms.writing.dataset_files import DatasetKind
from transforms.writing.episode_files import WriteEpisodes
from transforms.writing.output_files import OutputFiles
from transforms.writing.preparation import prepare

_RATINGS = DatasetKind(
    DatasetInfo,
    INTERACTIONS,
    "Lower episodes.query_size or episodes.min_support_size, or check the split.",
)


def prepare_dataset(
    spec: DatasetSpec,
    data_dir: str,
    output_dir: str,
    *,
    fingerprint: str,
    options: PipelineOptions,
) -> DatasetInfo:
    """Prepares a data set of ratings; arguments and errors as those of `prepare`."""
    splitter = load_splitter(spec.split, data_dir)
    return prepare(
        _RATINGS,
        spec,
        used_tables(spec),
        functools.partial(_add_stages, spec, splitter),
        data_dir=data_dir,
        output_dir=output_dir,
        fingerprint=fingerprint,
        options=options,
    )


def _add_stages(
    spec: DatasetSpec,
    splitter: TaskSplitter,
    root: beam.Pipeline,
    blocks: Mapping[TableSpec, Any],
    files: OutputFiles,
) -> list[Any]:
    """Adds all stages to a pipeline, and returns the refused rows of each."""
    num_shards = spec.episodes.num_shards
    interactions = blocks[spec.interactions.table] | "Interactions" >> (
        parse_interactions(spec.interactions, num_shards)
    )
    tasks = interactions.parsed | "Tasks" >> BuildTasks(spec, splitter)
    summaries = tasks.tasks | "Summarize" >> beam.Map(summarize)
    users, bad_users = _parse_entities(root, "users", spec.users, blocks)
    items, bad_items = _parse_entities(root, "items", spec.items, blocks)
    catalogue = write_catalogue(
        root,
        functools.partial(rating_catalogue, spec),
        files,
        map(beam.pvalue.AsIter, (users, items, summaries)),
    )
    _ = (
        tasks.tasks
        | "TasksByShard" >> beam.Map(_tasks_by_shard)
        | "WriteEpisodes"
        >> beam.ParDo(
            WriteEpisodes(files, num_shards, encode_episode, (*SPLITS, NO_TASK)),
            beam.pvalue.AsSingleton(catalogue.rows),
        )
    )
    rejected = [part[REJECTED] for part in (interactions, tasks, catalogue)]
    return [*rejected, *bad_users, *bad_items]


def _parse_entities(
    root: beam.Pipeline, kind: str, spec: EntitySpec, blocks: Mapping[TableSpec, Any]
) -> tuple[Any, list[Any]]:
    """Parses the table of users or items: its entities and refused rows, if any."""
    if spec.table is None:
        return root | f"No {kind}" >> beam.Create([]), []
    entities = blocks[spec.table] | f"Parse {kind}" >> parse_entities(kind, spec)
    return entities.parsed, [entities[REJECTED]]


@no_beam_hints
def _tasks_by_shard(shard: TaskShard) -> tuple[int, list[Any]]:
    return shard.shard, shard.tasks
