"""Raw tables of clicks to a prepared data set of scenarios: the stages between."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from transforms.clicks.catalogue import name_tables, scenario_catalogue
from transforms.clicks.clicks import ClickBlock, domain_order, parse_clicks, table_name
from transforms.clicks.pools import MergePools, parse_pools, pools_of_clicks
from transforms.clicks.records import WriteClicks, encode_task
from transforms.clicks.schema import ScenarioDatasetInfo, ScenarioDatasetSpec
from transforms.clicks.summaries import summarize_task, summarize_users
from transforms.clicks.tables import used_tables
from transforms.clicks.tasks import BuildTasks, ScenarioTask
from transforms.clicks.user_clicks import SCENARIOS, JoinUsers, SplitUsers
from transforms.entities.entities import parse_entities
from transforms.reading.parse_rows import COUNTS
from transforms.reading.rejected_row import REJECTED
from transforms.reading.shards import GroupByShard
from transforms.specs import EntitySpec
from transforms.splits import TaskSplitter, load_splitter
from transforms.stable_hash import shard_of
from transforms.table_spec import TableSpec
from transforms.writing.catalogue import write_catalogue
from transforms.writing.dataset_files import DatasetKind
from transforms.writing.episode_files import WriteEpisodes
from transforms.writing.output_files import OutputFiles
from transforms.writing.preparation import Leftovers, prepare

_SCENARIOS = DatasetKind(
    ScenarioDatasetInfo,
    "Lower episodes.min_pool_size or episodes.min_clicks, raise "
    "episodes.max_pool_size, or check the split.",
)


def prepare_scenarios(
    spec: ScenarioDatasetSpec,
    data_dir: str,
    output_dir: str,
    *,
    fingerprint: str,
    options: PipelineOptions,
) -> ScenarioDatasetInfo:
    """Prepares a data set of scenarios; arguments and errors as those of `prepare`."""
    splitter = load_splitter(
        spec.split, data_dir, "scenarios", normalize=spec.normalize_ids
    )
    return prepare(
        _SCENARIOS,
        spec,
        used_tables(spec),
        lambda *pipeline: _Stages(spec, splitter, *pipeline).add(),
        data_dir=data_dir,
        output_dir=output_dir,
        fingerprint=fingerprint,
        options=options,
    )


class _Stages:
    """Adds all stages to a pipeline, and collects what they leave."""

    def __init__(
        self,
        spec: ScenarioDatasetSpec,
        splitter: TaskSplitter,
        root: beam.Pipeline,
        blocks: Mapping[TableSpec, Any],
        files: OutputFiles,
    ) -> None:
        self._root = root
        self._spec = spec
        self._splitter = splitter
        self._blocks = blocks
        self._files = files
        self._num_shards = spec.episodes.num_shards
        self._left = Leftovers([], [])

    def add(self) -> Leftovers:
        """Adds the stages; see `AddStages`."""
        clicks = self._clicks()
        pools = self._pools(clicks)
        shards = clicks | "ByShard" >> GroupByShard(self._num_shards, ClickBlock())
        users = shards | "SplitUsers" >> beam.ParDo(
            SplitUsers(self._spec), pools
        ).with_outputs(SCENARIOS, main="users")
        tasks = self._tasks(users[SCENARIOS], pools)
        rows = self._catalogue(users.users, tasks, pools)
        _ = users.users | "WriteClicks" >> beam.ParDo(
            WriteClicks(self._files, self._num_shards), rows
        )
        write = WriteEpisodes(self._files, self._num_shards, encode_task)
        _ = self._by_shard(tasks.tasks) | "WriteEpisodes" >> beam.ParDo(write, rows)
        return self._left

    def _parsed(self, label: str, table: TableSpec, parse: beam.PTransform) -> Any:
        """Returns what the rows of a table become; the others are refused."""
        rows = self._blocks[table] | label >> parse
        self._left.rejected.append(rows[REJECTED])
        self._left.counts.append(rows[COUNTS])
        return rows.parsed

    def _clicks(self) -> Any:
        """Returns (shard, `ClickBlock`) pairs of all domains."""
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
        """Returns the `Pools` as a side input."""
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
        merge = beam.ParDo(MergePools(self._spec), beam.pvalue.AsIter(blocks))
        once = self._root | "OncePools" >> beam.Create([0])
        return beam.pvalue.AsSingleton(once | "MergePools" >> merge)

    def _tasks(self, scenarios: Any, pools: Any) -> Any:
        """Returns the `ScenarioTask`s and the `DroppedClicks`."""
        limit = self._spec.episodes.max_clicks_per_scenario
        build = beam.ParDo(BuildTasks(self._spec, self._splitter), pools)
        return (
            scenarios
            | "JoinUsers" >> beam.CombinePerKey(JoinUsers(limit))
            | "BuildTasks" >> build.with_outputs("dropped", main="tasks")
        )

    def _names(self) -> list[Any]:
        """Returns the `EntityBlock`s of each table of `name_tables`."""
        return [
            self._parsed(
                f"ParseNames{number}",
                spec.table,
                parse_entities(
                    table_name(kind, domain.name),
                    EntitySpec(spec.table, spec.id_column, spec.name_column),
                    normalize=self._spec.normalize_ids,
                ),
            )
            for number, (kind, domain, spec) in enumerate(name_tables(self._spec))
        ]

    def _catalogue(self, users: Any, tasks: Any, pools: Any) -> Any:
        """Writes the catalogue and returns the `EntityRows` as a side input."""
        summaries = [
            users | "SummarizeUsers" >> beam.Map(summarize_users),
            tasks.tasks | "SummarizeTasks" >> beam.Map(summarize_task),
            tasks.dropped,
        ]
        sides = [
            *map(beam.pvalue.AsIter, summaries),
            pools,
            *map(beam.pvalue.AsIter, self._names()),
        ]
        make = functools.partial(scenario_catalogue, self._spec, self._splitter.listed)
        written = write_catalogue(self._root, make, self._files, sides)
        self._left.rejected.append(written[REJECTED])
        return beam.pvalue.AsSingleton(written.rows)

    def _by_shard(self, tasks: Any) -> Any:
        """Returns (shard, tasks in the order of their records)."""
        num_shards = self._num_shards
        order = domain_order(self._spec.domain_names)
        return (
            tasks
            | "KeyTasks"
            >> beam.Map(lambda task: (shard_of(task.scenario_id, num_shards), task))
            | "TasksByShard" >> GroupByShard(num_shards, None)
            | "SortTasks"
            >> beam.MapTuple(lambda shard, group: (shard, _sorted(group, order)))
        )


def _sorted(
    tasks: Iterable[ScenarioTask | None], order: Callable[[str], Any]
) -> list[ScenarioTask]:
    return sorted(filter(None, tasks), key=lambda task: order(task.scenario_id))
