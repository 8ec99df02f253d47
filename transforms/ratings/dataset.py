"""Raw tables of ratings to a prepared data set: the stages between."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from transforms import schema
from transforms.entities.catalogue import write_catalogue
from transforms.entities.entities import EntityBlock, parse_entities
from transforms.entities.write_runs import write_runs
from transforms.ratings.catalogue import rating_catalogue
from transforms.ratings.episodes import TaskShard, build_shards
from transforms.ratings.interactions import parse_interactions
from transforms.ratings.runs import TABLE_OF, RatingRuns, entities_of_shard
from transforms.ratings.summaries import summarize
from transforms.ratings.tables import used_tables
from transforms.ratings.tasks import PARTS, Tasks, parts_of
from transforms.reading.grouping import group_by_shard
from transforms.schema import DatasetInfo
from transforms.specs import DatasetSpec
from transforms.splits import TaskSplitter, drawn_by_chance, load_splitter
from transforms.table_spec import TableSpec
from transforms.writing.dataset_files import DatasetKind
from transforms.writing.entity_files import ITEM, USER, EntityRows
from transforms.writing.episode_files import WriteEpisodes
from transforms.writing.output_files import OutputFiles
from transforms.writing.preparation import Leftovers, prepare
from transforms.writing.tfrecord import PackedInts, encode_example


def prepare_dataset(
    spec: DatasetSpec,
    data_dir: str,
    output_dir: str,
    *,
    fingerprint: str,
    options: PipelineOptions,
) -> DatasetInfo:
    """Prepares a data set of ratings; arguments and errors as those of `prepare`."""
    split = drawn_by_chance(spec.split)
    splitter = load_splitter(split, data_dir, normalize=spec.normalize_ids)
    return prepare(
        DatasetKind(DatasetInfo, functools.partial(_advice, spec)),
        spec,
        used_tables(spec),
        functools.partial(_add_stages, spec, splitter),
        data_dir=data_dir,
        output_dir=output_dir,
        fingerprint=fingerprint,
        options=options,
    )


def _advice(spec: DatasetSpec, files: OutputFiles) -> str:
    """Says how many interactions a user must have."""
    del files
    query, support = spec.episodes.query_size, spec.episodes.min_support_size
    return (
        f"A user must have {query + support} interactions: lower "
        f"data.episodes.query_size, {query}, or data.episodes.min_support_size, "
        f"{support}, or check data.split."
    )


def _add_stages(
    spec: DatasetSpec,
    splitter: TaskSplitter,
    blocks: Mapping[TableSpec, Any],
    files: OutputFiles,
) -> Leftovers:
    """Adds all stages; see `AddStages`."""
    num_shards = spec.episodes.num_shards
    interactions = blocks[spec.interactions.table] | "Interactions" >> (
        parse_interactions(spec.interactions, num_shards, normalize=spec.normalize_ids)
    )
    shards, repeated = interactions.parsed | "Tasks" >> build_shards(spec, splitter)
    entities = dict(_parsed_entities(spec, blocks))
    known = {
        kind: rows.parsed | f"Table {kind}" >> beam.Map(_of_kind, kind)
        for kind, rows in entities.items()
    }
    known["all"] = shards | "Entities" >> beam.FlatMap(entities_of_shard)
    make_runs = RatingRuns(spec, splitter.listed)
    runs, unlike = known | "Runs" >> write_runs(make_runs, files, num_shards)
    summaries = {
        "runs": runs,
        "summaries": shards | "Summarize" >> beam.Map(summarize),
    }
    make = functools.partial(rating_catalogue, spec, splitter.listed is not None)
    rows, unnamed = summaries | "Catalogue" >> write_catalogue(make, files)
    keyed = shards | "KeyTasks" >> beam.Map(_by_number)
    write = WriteEpisodes(files, num_shards, encode_episodes, parts_of(spec.split))
    written = (
        (keyed, rows)
        | "TasksByShard" >> group_by_shard(num_shards, None)
        | "TakeTasks" >> beam.MapTuple(_tasks_of)
        | "WriteEpisodes" >> beam.ParDo(write)
    )
    tables = [interactions, *entities.values()]
    return Leftovers(
        [*(table.rejected for table in tables), repeated, unlike, unnamed],
        [table.counts for table in tables],
        [written],
    )


def _parsed_entities(
    spec: DatasetSpec, blocks: Mapping[TableSpec, Any]
) -> Iterator[tuple[str, Any]]:
    """Parses users and items, those that have a table."""
    for kind, entity in ((USER, spec.users), (ITEM, spec.items)):
        if entity.table is not None:
            name = TABLE_OF[kind]
            parse = parse_entities(name, entity, normalize=spec.normalize_ids)
            yield kind, blocks[entity.table] | f"Parse {name}" >> parse


def _of_kind(block: EntityBlock, kind: str) -> tuple[str, EntityBlock]:
    return kind, block


def _by_number(shard: TaskShard) -> tuple[int, Tasks]:
    return shard.shard, shard.tasks


def _tasks_of(number: int, group: Iterable[Tasks | None]) -> tuple[int, Tasks]:
    (tasks,) = (tasks for tasks in group if tasks is not None)
    return number, tasks


def encode_episodes(
    shard: int, tasks: Tasks, rows: EntityRows
) -> Iterator[tuple[str, bytes]]:
    """Yields split and record of each task, its ids as rows of the entity tables."""
    # Of the items of the shard those alone that are in a task have a row.
    in_tasks, codes = np.unique(tasks.codes, return_inverse=True)
    items = rows.items.of(tasks.items.take(pa.array(in_tasks)))[codes]
    ids = dict.fromkeys(tasks.task_ids)  # As the rows in the order of the ids.
    users = dict(zip(ids, rows.of_shard(shard).tolist(), strict=True))
    starts = tasks.ends - np.diff(tasks.ends, prepend=0)
    middles = starts + tasks.num_query
    ints = PackedInts(items)
    labels = tasks.labels.values[tasks.labels.codes].astype("<f4").tobytes()
    columns = zip(
        tasks.task_ids,
        tasks.parts.tolist(),
        ints.bytes_of(starts, middles),
        ints.bytes_of(middles, tasks.ends),
        *((4 * places).tolist() for places in (starts, middles, tasks.ends)),
        strict=True,
    )
    for task_id, part, query, support, start, middle, end in columns:
        record = encode_example(
            ints={
                schema.USER_KEY: [users[task_id]],
                schema.SUPPORT_ITEM_KEY: support,
                schema.QUERY_ITEM_KEY: query,
            },
            floats={
                schema.SUPPORT_LABEL_KEY: labels[middle:end],
                schema.QUERY_LABEL_KEY: labels[start:middle],
            },
            texts={schema.TASK_ID_KEY: task_id},
        )
        yield PARTS[part], record
