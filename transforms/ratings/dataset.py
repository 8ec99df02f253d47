"""Raw tables of ratings to a prepared data set: the stages between."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.entities.catalogue import WriteCatalogue
from transforms.entities.entities import EntityBlock, parse_entities
from transforms.entities.write_runs import TableBlock, WriteRuns
from transforms.ratings.catalogue import rating_catalogue
from transforms.ratings.episodes import BuildTasks, TaskShard
from transforms.ratings.interactions import parse_interactions
from transforms.ratings.records import encode_episodes
from transforms.ratings.runs import TABLE_OF, RatingRuns, entities_of_shard
from transforms.ratings.summaries import summarize
from transforms.ratings.tables import used_tables
from transforms.ratings.tasks import Tasks, parts_of
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.shards import GroupByShard
from transforms.schema import DatasetInfo
from transforms.specs import DatasetSpec
from transforms.splits import TaskSplitter, drawn_by_chance, load_splitter
from transforms.table_spec import TableSpec
from transforms.writing.dataset_files import DatasetKind
from transforms.writing.entity_files import ITEM, USER
from transforms.writing.episode_files import WriteEpisodes
from transforms.writing.output_files import OutputFiles
from transforms.writing.preparation import Leftovers, prepare


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
    tasks = interactions.parsed | "Tasks" >> BuildTasks(spec, splitter)
    entities = dict(_parsed_entities(spec, blocks))
    known = {
        kind: rows.parsed | f"Table {kind}" >> beam.Map(_of_table, kind)
        for kind, rows in entities.items()
    }
    known["all"] = tasks.shards | "Entities" >> beam.FlatMap(entities_of_shard)
    make_runs = RatingRuns(spec, splitter.listed)
    runs = known | "Runs" >> WriteRuns(make_runs, files, num_shards)
    summaries = {
        "runs": runs.summaries,
        "summaries": tasks.shards | "Summarize" >> beam.Map(summarize),
    }
    make = functools.partial(rating_catalogue, spec, splitter.listed is not None)
    catalogue = summaries | "Catalogue" >> WriteCatalogue(make, files)
    keyed = tasks.shards | "KeyTasks" >> beam.Map(_by_number)
    write = WriteEpisodes(files, num_shards, encode_episodes, parts_of(spec.split))
    written = (
        (keyed, catalogue.written)
        | "TasksByShard" >> GroupByShard(num_shards, None)
        | "TakeTasks" >> beam.MapTuple(_tasks_of)
        | "WriteEpisodes" >> beam.ParDo(write)
    )
    tables = [interactions, *entities.values()]
    return Leftovers(
        [part.rejected for part in (*tables, tasks, runs, catalogue)],
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


@no_beam_hints
def _of_table(block: EntityBlock, kind: str) -> tuple[str, TableBlock]:
    return kind, TableBlock(TABLE_OF[kind], block)


@no_beam_hints
def _by_number(shard: TaskShard) -> tuple[int, Tasks]:
    return shard.shard, shard.tasks


@no_beam_hints
def _tasks_of(number: int, group: Iterable[Tasks | None]) -> tuple[int, Tasks]:
    (tasks,) = (tasks for tasks in group if tasks is not None)
    return number, tasks
