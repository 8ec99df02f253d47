"""Raw tables of clicks to a prepared data set of scenarios: the stages between."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.clicks.catalogue import (
    scenario_catalogue,
    summarize_task,
    summarize_users,
)
from transforms.clicks.clicks import parse_clicks
from transforms.clicks.ids import domain_order
from transforms.clicks.merged_pools import Pools, write_pools
from transforms.clicks.pools import parse_pools, pools_of_clicks
from transforms.clicks.records import WriteClicks, encode_tasks
from transforms.clicks.runs import ClickRuns, entities_of_task, entities_of_users
from transforms.clicks.scenario_task import ScenarioTask
from transforms.clicks.scenario_users import JoinUsers
from transforms.clicks.schema import ScenarioDatasetInfo, ScenarioDatasetSpec
from transforms.clicks.tables import (
    DomainTable,
    item_tables,
    scenario_tables,
    used_tables,
)
from transforms.clicks.tasks import DROPPED, TASKS, BuildTasks
from transforms.clicks.user_clicks import SCENARIOS, USERS, SplitUsers
from transforms.clicks.user_tasks import BuildUserTasks
from transforms.entities.catalogue import write_catalogue
from transforms.entities.entities import parse_entities
from transforms.entities.write_runs import write_runs
from transforms.plural import counted
from transforms.reading.grouping import group_by_shard, of_kinds
from transforms.splits import TaskSplitter, drawn_by_chance, load_splitter
from transforms.stable_hash import shard_of
from transforms.table_spec import TableSpec
from transforms.writing.dataset_files import DatasetKind
from transforms.writing.entity_files import ITEM
from transforms.writing.episode_files import WriteEpisodes
from transforms.writing.output_files import OutputFiles
from transforms.writing.preparation import Leftovers, prepare


def prepare_scenarios(
    spec: ScenarioDatasetSpec,
    data_dir: str,
    output_dir: str,
    *,
    fingerprint: str,
    options: PipelineOptions,
) -> ScenarioDatasetInfo:
    """Prepares a data set of scenarios; arguments and errors as those of `prepare`."""
    tasks = "users" if spec.has_user_tasks else "scenarios"
    split = drawn_by_chance(spec.split) if spec.has_user_tasks else spec.split
    splitter = load_splitter(split, data_dir, tasks, normalize=spec.normalize_ids)
    return prepare(
        DatasetKind(ScenarioDatasetInfo, functools.partial(_advice, spec)),
        spec,
        used_tables(spec),
        lambda *stages: _Stages(spec, splitter, *stages).add(),
        data_dir=data_dir,
        output_dir=output_dir,
        fingerprint=fingerprint,
        options=options,
    )


def _advice(spec: ScenarioDatasetSpec, files: OutputFiles) -> str:
    """Says which limits leave tasks out, and how large pools are."""
    fewer = f"lower data.episodes.min_clicks, {spec.episodes.min_clicks}"
    if spec.has_user_tasks:
        return f"Users with fewer clicks are no tasks: {fewer}, or check data.split."
    smallest, median, largest = Pools.read(files).sizes
    limits, cures = spec.episodes, []
    if smallest < limits.min_pool_size:
        cures.append(f"lower data.episodes.min_pool_size, {limits.min_pool_size}")
    if largest > limits.max_pool_size:
        cures.append(f"raise data.episodes.max_pool_size, {limits.max_pool_size}")
    cures.append(fewer)
    return (
        f"The smallest pool has {counted(smallest, 'item')}, the median {median}, the "
        f"largest {largest}: {', '.join(cures)}, or check data.split."
    )


class _Stages:
    """Adds all stages, and collects what they leave."""

    def __init__(
        self,
        spec: ScenarioDatasetSpec,
        splitter: TaskSplitter,
        blocks: Mapping[TableSpec, Any],
        files: OutputFiles,
    ) -> None:
        self._spec = spec
        self._splitter = splitter
        self._blocks = blocks
        self._files = files
        self._num_shards = spec.episodes.num_shards
        self._left = Leftovers([], [], [])

    def add(self) -> Leftovers:
        """Adds the stages; see `AddStages`."""
        clicks = self._clicks()
        pairs = (
            (clicks, self._pools(clicks))
            | "ByShard" >> group_by_shard(self._num_shards, b"")
            | "SplitUsers"
            >> beam.ParDo(SplitUsers(self._spec, self._splitter, self._files))
        )
        users, scenarios = of_kinds(pairs, USERS, SCENARIOS)
        if self._spec.has_user_tasks:
            built = users | "BuildUserTasks" >> beam.ParDo(BuildUserTasks(self._spec))
        else:
            built = self._built(scenarios)
        tasks, dropped = of_kinds(built, TASKS, DROPPED)
        rows = self._catalogue(users, tasks, dropped)
        self._left.written.append(self._write_clicks(users, rows))
        self._left.written.append(self._write_episodes(tasks, rows))
        return self._left

    def _parsed(self, label: str, table: TableSpec, parse: beam.PTransform) -> Any:
        """Returns what the rows of a table become; the others are refused."""
        rows = self._blocks[table] | label >> parse
        self._left.rejected.append(rows.rejected)
        self._left.counts.append(rows.counts)
        return rows.parsed

    def _clicks(self) -> Any:
        """Returns (shard, packed `ClickBlock`) pairs of all domains."""
        parts = [
            self._parsed(
                f"ParseClicks {domain.name}",
                domain.clicks.table,
                parse_clicks(
                    domain, self._num_shards, normalize=self._spec.normalize_ids
                ),
            )
            for domain in self._spec.domains
        ]
        return parts | "AllClicks" >> beam.Flatten()

    def _pools(self, clicks: Any) -> Any:
        """Writes the pools; returns one element, once they are written."""
        parts = [
            self._parsed(
                f"ParsePools {domain.name}",
                domain.pools.table,
                parse_pools(
                    domain.pools, domain.name, normalize=self._spec.normalize_ids
                ),
            )
            for domain in self._spec.domains
            if domain.pools is not None
        ]
        clicked = clicks | "Values" >> beam.Values()
        parts.append(clicked | "ClickedPools" >> beam.Map(pools_of_clicks))
        blocks = parts | "AllPools" >> beam.Flatten()
        return blocks | "MergePools" >> write_pools(self._spec, self._files)

    def _built(self, scenarios: Any) -> Any:
        """Returns the `ScenarioTask`s and what was left out, by kind."""
        limit = self._spec.episodes.max_clicks_per_scenario
        build = BuildTasks(self._spec, self._splitter, self._files)
        return (
            scenarios
            | "JoinUsers" >> beam.CombinePerKey(JoinUsers(limit))
            | "BuildTasks" >> beam.ParDo(build)
        )

    def _names(self, tables: Iterable[DomainTable]) -> dict[str, Any]:
        """Returns the `EntityBlock`s of each table, by its name."""
        normalize = self._spec.normalize_ids
        parsed = {}
        for table in tables:
            assert table.spec.table is not None
            parse = parse_entities(table.name, table.spec, normalize=normalize)
            label = f"ParseNames {table.name}"
            parsed[table.name] = self._parsed(label, table.spec.table, parse)
        return parsed

    def _catalogue(self, users: Any, tasks: Any, dropped: Any) -> Any:
        """Writes the catalogue; returns one element, once it is written."""
        known = {
            "users": users | "Entities" >> beam.FlatMap(entities_of_users),
            "tasks": tasks | "Items" >> beam.Map(entities_of_task),
            **{
                name: blocks | f"Table {name}" >> beam.Map(lambda block: (ITEM, block))
                for name, blocks in self._names(item_tables(self._spec)).items()
            },
        }
        listed = self._splitter.listed
        make_runs = ClickRuns(self._spec, self._files, listed)
        write = write_runs(make_runs, self._files, self._num_shards)
        runs, unlike = known | "Runs" >> write
        summaries = {
            "users": users | "SummarizeUsers" >> beam.Map(summarize_users),
            "tasks": tasks | "SummarizeTasks" >> beam.Map(summarize_task),
            "dropped": dropped,
            "runs": runs,
            **self._names(scenario_tables(self._spec)),
        }
        make = functools.partial(scenario_catalogue, self._spec, listed, self._files)
        rows, unnamed = summaries | "Catalogue" >> write_catalogue(make, self._files)
        self._left.rejected.extend((unlike, unnamed))
        return rows

    def _write_clicks(self, users: Any, rows: Any) -> Any:
        """Writes the clicks of each shard, after the rows."""
        keyed = users | "KeyUsers" >> beam.Map(lambda shard: (shard.shard, shard))
        write = WriteClicks(self._files, self._num_shards)
        return (
            (keyed, rows)
            | "UsersByShard" >> group_by_shard(self._num_shards, None)
            | "WriteClicks" >> beam.ParDo(write)
        )

    def _write_episodes(self, tasks: Any, rows: Any) -> Any:
        """Writes the tasks of each shard, after the rows."""
        num_shards = self._num_shards
        order = domain_order(self._spec.domain_names)
        keyed = tasks | "KeyTasks" >> beam.Map(
            lambda task: (shard_of(task.scenario_id, num_shards), task)
        )
        return (
            (keyed, rows)
            | "TasksByShard" >> group_by_shard(num_shards, None)
            | "SortTasks"
            >> beam.MapTuple(lambda shard, group: (shard, _sorted(group, order)))
            | "WriteEpisodes"
            >> beam.ParDo(WriteEpisodes(self._files, num_shards, encode_tasks))
        )


def _sorted(
    tasks: Iterable[ScenarioTask | None], order: Callable[[str], Any]
) -> list[ScenarioTask]:
    return sorted(filter(None, tasks), key=lambda task: order(task.scenario_id))
