"""Raw tables to a prepared data set of scenarios: the pipeline and its driver."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from transforms import schema
from transforms.clicks.catalogue import (
    CatalogueInfo,
    WriteCatalogue,
    name_tables,
    staged_info,
)
from transforms.clicks.clicks import CLICKS, ClickBlock, ParseClicks
from transforms.clicks.pools import MergePools, ParsePools, pools_of_clicks
from transforms.clicks.schema import (
    ScenarioDatasetInfo,
    ScenarioDatasetSpec,
    load_scenario_info,
)
from transforms.clicks.summaries import summarize_task, summarize_users
from transforms.clicks.tables import used_tables
from transforms.clicks.task_files import WriteClicks, WriteTasks
from transforms.clicks.tasks import BuildTasks
from transforms.clicks.user_clicks import SCENARIOS, JoinUsers, SplitUsers
from transforms.entities.entities import ParseEntities
from transforms.ratings.statistics import build_anomalies, proto_file
from transforms.reading.raw_files import find_raw_files
from transforms.reading.read_tables import BlockOptions, ReadTable
from transforms.reading.tables import check_tables, columns_by_table
from transforms.schema import EntitySpec, TableSpec
from transforms.splits import TaskSplitter, load_splitter
from transforms.stable_hash import shard_of
from transforms.writing.output_files import ANOMALIES_PBTXT, OutputFiles
from transforms.writing.rejected import (
    REJECTED,
    WriteRejected,
    check_refused,
    collect_rejected,
)

_logger = logging.getLogger(__name__)


def prepare_scenarios(
    spec: ScenarioDatasetSpec,
    data_dir: str,
    output_dir: str,
    *,
    fingerprint: str,
    options: PipelineOptions,
) -> ScenarioDatasetInfo:
    """Prepares a data set of scenarios from raw tables.

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
        ValueError: If an input is missing or lacks a column.
        DataError: If the output directory holds foreign files, or no meta-train task
            is left.
        RejectedRowsError: If more clicks were refused than the specification allows.
            The refused rows, and nothing else, stay in the output directory.
    """
    check_tables(used_tables(spec), data_dir)
    splitter = load_splitter(spec.split, data_dir, "scenarios")
    files = OutputFiles(output_dir)
    files.clear()
    _logger.info("Preparing %s", output_dir)
    with beam.Pipeline(options=options) as root:
        _Pipeline(root, spec, splitter, data_dir, files).build()
    return _finish(spec, fingerprint, files)


class _Pipeline:
    """Adds all stages to a pipeline."""

    def __init__(
        self,
        root: beam.Pipeline,
        spec: ScenarioDatasetSpec,
        splitter: TaskSplitter,
        data_dir: str,
        files: OutputFiles,
    ) -> None:
        self._root = root
        self._spec = spec
        self._splitter = splitter
        self._data_dir = data_dir
        self._files = files
        self._num_shards = spec.episodes.num_shards
        self._rejected: list[Any] = []

    def build(self) -> None:
        """Adds the stages."""
        blocks = self._read_tables()
        clicks = self._parse_clicks(blocks)
        pools = self._pools(blocks, clicks)
        shards = clicks | "GroupByShard" >> beam.GroupByKey()
        limit = self._spec.episodes.max_clicks_per_scenario
        users = shards | "SplitUsers" >> beam.ParDo(
            SplitUsers(self._spec), pools
        ).with_outputs(SCENARIOS, main="users")
        tasks = (
            users[SCENARIOS]
            | "JoinUsers" >> beam.CombinePerKey(JoinUsers(limit))
            | "BuildTasks"
            >> beam.ParDo(BuildTasks(self._spec, self._splitter), pools).with_outputs(
                "dropped", main="tasks"
            )
        )
        names = self._names(blocks)
        catalogue = self._catalogue(users.users, tasks, pools, names)
        rows = beam.pvalue.AsSingleton(catalogue)
        _ = users.users | "WriteClicks" >> beam.ParDo(
            WriteClicks(self._files, self._num_shards), rows
        )
        _ = self._by_shard(tasks.tasks) | "WriteTasks" >> beam.ParDo(
            WriteTasks(self._files, self._spec), rows
        )
        _ = (
            self._rejected
            | "AllRejected" >> beam.Flatten()
            | WriteRejected(self._files)
        )

    def _read_tables(self) -> dict[TableSpec, Any]:
        """Reads each distinct table once, whatever number of uses it has."""
        block_bytes = self._root.options.view_as(BlockOptions).text_block_bytes
        tables = columns_by_table(used_tables(self._spec))
        blocks = {}
        for number, (table, columns) in enumerate(tables.items()):
            read = ReadTable(
                table, columns, data_dir=self._data_dir, text_block_bytes=block_bytes
            )
            files = find_raw_files(table, self._data_dir, "table")
            created = self._root | f"Files{number}" >> beam.Create(files)
            blocks[table] = created | f"Read{number}" >> read
        return blocks

    def _parse_clicks(self, blocks: dict[TableSpec, Any]) -> Any:
        """Returns (shard, `ClickBlock`) of all domains, every shard there."""
        nothing = [(shard, ClickBlock()) for shard in range(self._num_shards)]
        parts = [self._root | "EveryShard" >> beam.Create(nothing)]
        for domain in self._spec.domains:
            parsed = blocks[
                domain.clicks.table
            ] | f"ParseClicks {domain.name}" >> ParseClicks(domain, self._num_shards)
            parts.append(parsed.shards)
            self._rejected.append(parsed[REJECTED])
        return parts | "AllClicks" >> beam.Flatten()

    def _pools(self, blocks: dict[TableSpec, Any], clicks: Any) -> Any:
        """Returns the `Pools` as a side input."""
        parts = []
        for domain in self._spec.domains:
            if domain.pools is not None:
                found = blocks[domain.pools.table]
                parsed = found | f"ParsePools {domain.name}" >> ParsePools(domain)
                parts.append(parsed.pools)
                self._rejected.append(parsed[REJECTED])
        clicked = clicks | "Values" >> beam.Values()
        parts.append(clicked | "ClickedPools" >> beam.Map(pools_of_clicks))
        merged = (
            self._root
            | "OncePools" >> beam.Create([0])
            | "MergePools"
            >> beam.ParDo(
                MergePools(self._spec),
                beam.pvalue.AsIter(parts | "AllPools" >> beam.Flatten()),
            )
        )
        return beam.pvalue.AsSingleton(merged)

    def _names(self, blocks: dict[TableSpec, Any]) -> list[Any]:
        """Returns the `EntityBlock`s of each table of `name_tables`."""
        names = []
        for number, (kind, _, spec) in enumerate(name_tables(self._spec)):
            entity = EntitySpec(spec.table, spec.id_column, spec.name_column)
            found = blocks[spec.table]
            parsed = found | f"ParseNames{number}" >> ParseEntities(kind, entity)
            names.append(parsed.entities)
            self._rejected.append(parsed[REJECTED])
        return names

    def _catalogue(self, users: Any, tasks: Any, pools: Any, names: list[Any]) -> Any:
        """Writes the catalogue and returns the `EntityRows`."""
        sides = [
            users | "SummarizeUsers" >> beam.Map(summarize_users),
            tasks.tasks | "SummarizeTasks" >> beam.Map(summarize_task),
            tasks.dropped,
        ]
        written = (
            self._root
            | "Once" >> beam.Create([0])
            | "Catalogue"
            >> beam.ParDo(
                WriteCatalogue(self._spec, self._files),
                *map(beam.pvalue.AsIter, sides),
                pools,
                *map(beam.pvalue.AsIter, names),
            ).with_outputs(REJECTED, main="rows")
        )
        self._rejected.append(written[REJECTED])
        return written.rows

    def _by_shard(self, tasks: Any) -> Any:
        """Groups tasks by shard, every shard there."""
        num_shards = self._num_shards
        keyed = tasks | "KeyTasks" >> beam.Map(
            lambda task: (shard_of(task.scenario_id, num_shards), task)
        )
        every = self._root | "EveryTaskShard" >> beam.Create(
            [(shard, None) for shard in range(num_shards)]
        )
        return (
            (keyed, every)
            | "WithEveryTaskShard" >> beam.Flatten()
            | "GroupTasks" >> beam.GroupByKey()
            | "WithoutNothing"
            >> beam.MapTuple(
                lambda shard, found: (shard, [task for task in found if task])
            )
        )


def _finish(
    spec: ScenarioDatasetSpec, fingerprint: str, files: OutputFiles
) -> ScenarioDatasetInfo:
    """Checks what the workers left, and makes a whole data set of it."""
    _logger.info("Collecting the refused rows and the counts")
    rejected = collect_rejected(files)
    info = staged_info(files)
    try:
        check_refused(
            rejected.get(CLICKS, Counter()),
            info.num_rows,
            spec.max_rejected_fraction,
            CLICKS,
            files.root,
        )
        _check_meta_train(info)
    except ValueError:
        files.keep_only_rejected()
        raise
    num_rejected = sum(rejected.values(), Counter[str]())
    fields = {
        field.name: getattr(info, field.name)
        for field in dataclasses.fields(info)
        if field.name != "num_rows"
    }
    dataset_info = ScenarioDatasetInfo(
        fingerprint=fingerprint,
        num_rejected=dict(num_rejected),
        options=dataclasses.asdict(spec),
        has_item_names=any(domain.item_names for domain in spec.domains),
        has_scenario_names=any(domain.scenario_names for domain in spec.domains),
        **fields,
    )
    files.write(ANOMALIES_PBTXT, proto_file(build_anomalies(num_rejected)))
    files.write(schema.DATASET_JSON, dataset_info.to_json().encode())
    files.finish()
    _logger.info("Prepared %s tasks in %s", dict(info.num_tasks), files.root)
    return load_scenario_info(files.root)


def _check_meta_train(info: CatalogueInfo) -> None:
    if not info.num_tasks[schema.META_TRAIN]:
        raise schema.DataError(
            "at least one scenario must be in meta-train, got none. Left out: "
            f"{dict(info.num_dropped)}. Lower episodes.min_pool_size or "
            "episodes.min_clicks, raise episodes.max_pool_size, or check the split."
        )
