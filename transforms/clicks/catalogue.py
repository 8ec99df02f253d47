"""Users, items and scenarios of a data set: numbered, named, counted."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms import schema
from transforms.clicks import schema as keys
from transforms.clicks.click_pairs import ClickCounts
from transforms.clicks.clicks import CLICKS, table_name
from transforms.clicks.ids import domain_order, order_of_ids
from transforms.clicks.joins import click_joins
from transforms.clicks.merged_pools import Pools
from transforms.clicks.pools import POOLS
from transforms.clicks.runs import have_names
from transforms.clicks.scenario_task import ScenarioTask
from transforms.clicks.schema import Domain, ScenarioDatasetInfo, ScenarioDatasetSpec
from transforms.clicks.tables import scenario_tables
from transforms.clicks.user_clicks import UserShard
from transforms.entities.catalogue import Catalogue
from transforms.entities.entities import EntityBlock
from transforms.entities.entity_runs import RunSummary, summary_of
from transforms.entities.entity_table import EntityTable, build_entity_table
from transforms.entities.feature_statistics import add_feature_statistics
from transforms.joins import Join
from transforms.reading.rejected_row import RejectedRow
from transforms.row_counts import RowCounts, merge_counts
from transforms.schema import Feature
from transforms.writing.entity_files import ITEM, KINDS, USER
from transforms.writing.output_files import OutputFiles
from transforms.writing.statistics import add_features, fill_sizes, rows_schema

_INT = statistics_pb2.FeatureNameStatistics.INT
_USER_KEYS = (keys.SUPPORT_USER_KEY, keys.QUERY_USER_KEY, keys.KNOWN_USER_KEY)
_ITEM_KEYS = (
    keys.POOL_KEY,
    keys.SUPPORT_ITEM_KEY,
    keys.SUPPORT_NEGATIVE_KEY,
    keys.QUERY_ITEM_KEY,
    keys.QUERY_NEGATIVE_KEY,
    keys.KNOWN_ITEM_KEY,
)


def scenario_catalogue(
    spec: ScenarioDatasetSpec,
    listed: Collection[str] | None,
    files: OutputFiles,
    *,
    users: Iterable[UsersSummary],
    tasks: Iterable[TaskSummary],
    dropped: Iterable[Counter[str]],
    runs: Sequence[tuple[str, RunSummary]],
    **names: Iterable[EntityBlock],
) -> Catalogue:
    """Collects all that is said of users, items and scenarios.

    Args:
        spec: The data set.
        listed: Tasks that a split file names; None if there is none.
        files: The output directory, where the pools are.
        users: Of every shard.
        tasks: Of every task.
        dropped: What was left out of every scenario, by reason.
        runs: Kind and summary of every run of users or items.
        **names: Names of scenarios, by name of the table.
    """
    pools = Pools.read(files)
    order = domain_order(spec.domain_names)
    all_tasks = sorted(tasks, key=lambda task: order(task.scenario_id))
    scenario_ids = [task.scenario_id for task in all_tasks]
    summary = merge_users(users)
    by_kind = {kind: summary_of(runs, kind) for kind in KINDS}
    of_users, of_items = by_kind.values()
    known, rejected, counts = _scenario_names(spec, names)
    tables = _tables(spec, by_kind)
    return Catalogue(
        entities=tables,
        order=functools.partial(order_of_ids, domains=spec.domain_names),
        vocabularies={keys.SCENARIO_ID: scenario_ids},
        names=_names_by_row(spec, known, scenario_ids),
        schema=build_schema(tables[USER], tables[ITEM]),
        statistics=build_statistics(all_tasks, tables[ITEM]),
        info=_dataset_info(
            *(spec, (of_users.num_rows, of_items.num_rows), summary, all_tasks),
            item_features=tables[ITEM].features,
            joins=click_joins(
                *(spec, listed, (of_users, of_items), summary.counts.scenarios),
                *(pools, known),
            ),
            num_dropped=_num_dropped(pools, summary, dropped),
        ),
        counts=_no_rows(spec) | summary.counts.tables | of_items.table_rows | counts,
        rejected=rejected,
    )


def _tables(
    spec: ScenarioDatasetSpec, by_kind: Mapping[str, RunSummary]
) -> dict[str, EntityTable]:
    """Returns the tables of users, which have no features, and items."""
    features = {USER: (), ITEM: spec.item_features}
    return {
        kind: build_entity_table(
            features[kind],
            runs.num_rows.total(),
            runs.values,
            has_names=have_names(spec, kind),
        )
        for kind, runs in by_kind.items()
    }


def _num_dropped(
    pools: Pools, summary: UsersSummary, dropped: Iterable[Counter[str]]
) -> Counter[str]:
    """Counts clicks and pairs of pools that are in no task, by reason."""
    num_dropped = Counter(pools.num_dropped)
    for count in summary.counts.tables.values():
        num_dropped.update(count.left_out)
    for part in dropped:
        num_dropped.update(part)
    return num_dropped


def _names_by_row(
    spec: ScenarioDatasetSpec, known: Mapping[str, str], scenario_ids: Iterable[str]
) -> dict[str, list[str]]:
    """Returns names of scenarios in the order of their rows, "" where there is none."""
    if not any(domain.scenario_names for domain in spec.domains):
        return {}
    return {"scenario": [known.get(one, "") for one in scenario_ids]}


def _no_rows(spec: ScenarioDatasetSpec) -> dict[str, RowCounts]:
    """Returns the counts of tables of clicks and pools without rows."""
    return {
        table_name(kind, domain.name): RowCounts()
        for domain in spec.domains
        for kind, table in ((CLICKS, domain.clicks), (POOLS, domain.pools))
        if table is not None
    }


def _scenario_names(
    spec: ScenarioDatasetSpec, blocks: Mapping[str, Iterable[EntityBlock]]
) -> tuple[dict[str, str], list[RejectedRow], dict[str, RowCounts]]:
    """Joins the names of scenarios of all domains; refuses, and counts, rows."""
    names: dict[str, str] = {}
    rejected = []
    counts = {}
    for table in scenario_tables(spec):
        of_table, refused, counts[table.name] = table.merge(blocks[table.name])
        names |= {one: entity.name for one, entity in of_table.items()}
        rejected += refused
    return names, rejected, counts


def _dataset_info(
    spec: ScenarioDatasetSpec,
    num_rows: tuple[Counter[str], Counter[str]],
    summary: UsersSummary,
    tasks: Sequence[TaskSummary],
    *,
    item_features: tuple[Feature, ...],
    joins: tuple[Join, ...],
    num_dropped: Counter[str],
) -> ScenarioDatasetInfo:
    """Returns what `dataset.json` says, but for what the driver adds."""
    users, items = num_rows
    return ScenarioDatasetInfo(
        domains=tuple(Domain(n, users[n], items[n]) for n in spec.domain_names),
        num_users=users.total(),
        num_items=items.total(),
        num_tasks=_by_split(tasks, lambda task: 1),
        num_clicks=_by_split(tasks, lambda task: task.num_support),
        num_queries=_by_split(tasks, lambda task: task.num_query),
        num_known=summary.num_known,
        num_held_out=summary.num_held_out,
        num_dropped=dict(sorted((+num_dropped).items())),
        joins=joins,
        options=dataclasses.asdict(spec),
        has_item_names=have_names(spec, ITEM),
        item_features=item_features,
        has_scenario_names=any(domain.scenario_names for domain in spec.domains),
    )


def _by_split(
    tasks: Iterable[TaskSummary], count: Callable[[TaskSummary], int]
) -> dict[str, int]:
    sums = dict.fromkeys(schema.SPLITS, 0)
    for task in tasks:
        sums[task.split] += count(task)
    return sums


def build_schema(users: EntityTable, items: EntityTable) -> schema_pb2.Schema:
    """Returns types and ranges of the keys of an episode record, and of features."""
    result = rows_schema(
        dict.fromkeys(_USER_KEYS, len(users)) | dict.fromkeys(_ITEM_KEYS, len(items))
    )
    add_features(result, items.features)
    result.feature.add(name=keys.SUPPORT_FOLD_KEY, type=schema_pb2.INT)
    return result


def build_statistics(
    tasks: Sequence[TaskSummary], items: EntityTable
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns one data set for each split: how many values each record has.

    That of meta-train has the features of items too, of those that are learnt from.
    """
    result = statistics_pb2.DatasetFeatureStatisticsList()
    for split in schema.SPLITS:
        chosen = [task for task in tasks if task.split == split]
        dataset = result.datasets.add(name=split, num_examples=len(chosen))
        for name, sizes in _sizes(chosen).items():
            feature = dataset.features.add(name=name, type=_INT)
            fill_sizes(feature, feature.num_stats.common_stats, sizes)
        if split == schema.META_TRAIN:
            add_feature_statistics(dataset, items.features, items.values.learnt)
    return result


def _sizes(tasks: Iterable[TaskSummary]) -> dict[str, Counter[int]]:
    """Returns tasks by number of values, for each key that is counted."""
    return {
        keys.POOL_KEY: Counter(task.pool_size for task in tasks),
        keys.SUPPORT_ITEM_KEY: Counter(task.num_support for task in tasks),
        keys.QUERY_ITEM_KEY: Counter(task.num_query for task in tasks),
    }


@dataclasses.dataclass(frozen=True)
class UsersSummary:
    """Counts of one shard of users, or of all.

    Attributes:
        num_known: Pairs that are learnt from.
        num_held_out: The other pairs.
        counts: What became of the rows.
    """

    num_known: int
    num_held_out: int
    counts: ClickCounts


@dataclasses.dataclass(frozen=True)
class TaskSummary:
    """What the catalogue needs to know of a task.

    Attributes:
        scenario_id: The scenario.
        split: Its split.
        pool_size: Its items.
        num_support: Support clicks.
        num_query: Held-out clicks.
    """

    scenario_id: str
    split: str
    pool_size: int
    num_support: int
    num_query: int


def summarize_users(shard: UserShard) -> UsersSummary:
    """Returns the counts of one shard of users."""
    num_known = int(shard.split.is_known.sum())
    return UsersSummary(num_known, len(shard.split.roles) - num_known, shard.counts)


def merge_users(parts: Iterable[UsersSummary]) -> UsersSummary:
    """Returns the counts of all shards, whatever their order."""
    num_known = num_held_out = 0
    counts = ClickCounts({}, Counter())
    for part in parts:
        num_known += part.num_known
        num_held_out += part.num_held_out
        merge_counts(counts.tables, part.counts.tables)
        counts.scenarios.update(part.counts.scenarios)
    return UsersSummary(num_known, num_held_out, counts)


def summarize_task(task: ScenarioTask) -> TaskSummary:
    """Returns what the catalogue needs to know of a task."""
    return TaskSummary(
        task.scenario_id,
        task.split,
        len(task.pool),
        len(task.support.items),
        len(task.query.items),
    )
