"""Users, items and scenarios of a data set: numbered, named, counted."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from transforms import schema
from transforms.clicks import schema as keys
from transforms.clicks.clicks import CLICKS, lowercases, table_name
from transforms.clicks.ids import domain_of, domain_order, in_domain, order_of_ids
from transforms.clicks.joins import click_joins
from transforms.clicks.merged_pools import Pools
from transforms.clicks.pools import POOLS
from transforms.clicks.schema import (
    Domain,
    DomainSpec,
    NameSpec,
    ScenarioDatasetInfo,
    ScenarioDatasetSpec,
)
from transforms.clicks.statistics import build_schema, build_statistics
from transforms.clicks.summaries import TaskSummary, UsersSummary, merge_users
from transforms.clicks.tasks import DroppedClicks
from transforms.entities.entities import EntityBlock, merge_entities
from transforms.entities.entity_counts import (
    EntityCounts,
    merge_counts_of_entities,
    without_counts,
)
from transforms.joins import Join
from transforms.reading.rejected_row import RejectedRow
from transforms.row_counts import RowCounts
from transforms.specs import EntitySpec
from transforms.writing.catalogue import Catalogue
from transforms.writing.entity_files import encode_entity

ITEM_NAMES = "item_names"
SCENARIO_NAMES = "scenario_names"


class _Ids(NamedTuple):
    """Users, items and scenarios, in the order of their rows."""

    users: Sequence[str]
    items: Sequence[str]
    scenarios: Sequence[str]


def scenario_catalogue(
    spec: ScenarioDatasetSpec,
    listed: Collection[str] | None,
    users: Iterable[UsersSummary],
    tasks: Iterable[TaskSummary],
    dropped: Iterable[DroppedClicks],
    pools: Pools,
    *names: Iterable[EntityBlock],
) -> Catalogue:
    """Numbers users, items and scenarios, and collects all that is said of them.

    Args:
        spec: The data set.
        listed: Scenarios that a split file names; None if there is none.
        users: Of every shard.
        tasks: Of every task.
        dropped: Of every scenario.
        pools: The pools.
        *names: Names of items and scenarios, for each table of `name_tables`.
    """
    order = domain_order(spec.domain_names)
    all_tasks = sorted(tasks, key=lambda task: order(task.scenario_id))
    summary = merge_users(users)
    counts_by_row = _counts_by_row(spec, summary, all_tasks)
    users_by_row, items_by_row = (counts.ids.to_pylist() for counts in counts_by_row)
    ids = _Ids(users_by_row, items_by_row, [task.scenario_id for task in all_tasks])
    by_kind, rejected, counts = _names_by_kind(spec, names)
    joins = click_joins(spec, listed, summary, pools, by_kind)
    return Catalogue(
        records={
            kind: _records(counts)
            for kind, counts in zip(("user", "item"), counts_by_row, strict=True)
        },
        vocabularies={
            schema.USER_ID: ids.users,
            schema.ITEM_ID: ids.items,
            keys.SCENARIO_ID: ids.scenarios,
        },
        names=_names_by_row(by_kind, ids),
        schema=build_schema(len(ids.users), len(ids.items)),
        statistics=build_statistics(all_tasks),
        info=_dataset_info(
            *(spec, ids, summary, all_tasks, joins),
            num_dropped=_num_dropped(pools, summary, dropped),
        ),
        counts={**_no_rows(spec), **summary.counts.tables, **counts},
        rejected=rejected,
    )


def _counts_by_row(
    spec: ScenarioDatasetSpec, summary: UsersSummary, tasks: Iterable[TaskSummary]
) -> list[EntityCounts]:
    """Returns the counts of users, and of items, those of pools too, by their rows."""
    pooled = without_counts(dict.fromkeys(chain(*(task.pool for task in tasks))))
    items = merge_counts_of_entities([summary.items, pooled])
    return [
        counts.take(order_of_ids(counts.ids, spec.domain_names))
        for counts in (summary.users, items)
    ]


def _num_dropped(
    pools: Pools, summary: UsersSummary, dropped: Iterable[DroppedClicks]
) -> Counter[str]:
    """Counts clicks and pairs of pools that are in no task, by reason."""
    num_dropped = Counter(pools.num_dropped)
    for count in summary.counts.tables.values():
        num_dropped.update(count.left_out)
    for part in dropped:
        num_dropped.update(part.num_dropped)
    return num_dropped


def _names_by_row(
    by_kind: Mapping[str, Mapping[str, str]], ids: _Ids
) -> dict[str, list[str]]:
    """Returns names in the order of rows, "" where there is none."""
    kinds = (ITEM_NAMES, "item", ids.items), (SCENARIO_NAMES, "scenario", ids.scenarios)
    return {
        name: [by_kind[kind].get(each, "") for each in ids_of_kind]
        for kind, name, ids_of_kind in kinds
        if kind in by_kind
    }


def _records(counts: EntityCounts) -> Iterator[bytes]:
    columns = counts.ids.to_pylist(), counts.training.tolist()
    rows = enumerate(zip(*columns, strict=True), start=1)
    for row, (entity_id, num_known) in rows:
        yield encode_entity(row, entity_id, num_known)


def name_tables(
    spec: ScenarioDatasetSpec,
) -> list[tuple[str, DomainSpec, NameSpec]]:
    """Returns kind, domain and specification of each table of names."""
    return [
        (kind, domain, names)
        for domain in spec.domains
        for kind, names in (
            (ITEM_NAMES, domain.item_names),
            (SCENARIO_NAMES, domain.scenario_names),
        )
        if names is not None
    ]


def _no_rows(spec: ScenarioDatasetSpec) -> dict[str, RowCounts]:
    """Returns the counts of tables of clicks and pools without rows."""
    return {
        table_name(kind, domain.name): RowCounts()
        for domain in spec.domains
        for kind, table in ((CLICKS, domain.clicks), (POOLS, domain.pools))
        if table is not None
    }


def _names_by_kind(
    spec: ScenarioDatasetSpec, blocks: Sequence[Iterable[EntityBlock]]
) -> tuple[dict[str, dict[str, str]], list[RejectedRow], dict[str, RowCounts]]:
    """Joins the names of all domains, by kind and by id; refuses, and counts, rows."""
    by_kind: dict[str, dict[str, str]] = {}
    rejected = []
    counts = {}
    for (kind, domain, table), parts in zip(name_tables(spec), blocks, strict=True):
        spec_of_kind = EntitySpec(table.table, table.id_column, table.name_column)
        table_of_kind = table_name(kind, domain.name)
        merged = merge_entities(table_of_kind, parts, spec_of_kind)
        entities, refused, counts[table_of_kind] = merged
        rejected += refused
        names = by_kind.setdefault(kind, {})
        lowercase = kind == SCENARIO_NAMES and lowercases(domain)
        for raw_id, entity in entities.items():
            entity_id = raw_id.lower() if lowercase else raw_id
            names.setdefault(in_domain(domain.name, entity_id), entity.name)
    return by_kind, rejected, counts


def _dataset_info(
    spec: ScenarioDatasetSpec,
    ids: _Ids,
    summary: UsersSummary,
    tasks: Sequence[TaskSummary],
    joins: tuple[Join, ...],
    *,
    num_dropped: Counter[str],
) -> ScenarioDatasetInfo:
    """Returns what `dataset.json` says, but for what the driver adds."""
    num_known = int(summary.users.training.sum())
    return ScenarioDatasetInfo(
        domains=_domains(spec.domain_names, ids),
        num_users=len(ids.users),
        num_items=len(ids.items),
        num_tasks=_by_split(tasks, lambda task: 1),
        num_clicks=_by_split(tasks, lambda task: task.num_support),
        num_queries=_by_split(tasks, lambda task: task.num_query),
        num_known=num_known,
        num_held_out=int(summary.users.pairs.sum()) - num_known,
        num_dropped=dict(sorted((+num_dropped).items())),
        joins=joins,
        options=dataclasses.asdict(spec),
        has_item_names=any(domain.item_names for domain in spec.domains),
        has_scenario_names=any(domain.scenario_names for domain in spec.domains),
    )


def _domains(names: Sequence[str], ids: _Ids) -> tuple[Domain, ...]:
    users, items = (
        Counter(domain_of(entity_id, names) for entity_id in of_kind)
        for of_kind in (ids.users, ids.items)
    )
    return tuple(Domain(name, users[name], items[name]) for name in names)


def _by_split(
    tasks: Iterable[TaskSummary], count: Callable[[TaskSummary], int]
) -> dict[str, int]:
    sums = dict.fromkeys(schema.SPLITS, 0)
    for task in tasks:
        sums[task.split] += count(task)
    return sums
