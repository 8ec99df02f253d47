"""What is known of the users, or of the items, of one partition of clicks."""

import functools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms.clicks.clicks import CLICKS, table_name
from transforms.clicks.ids import (
    domain_of,
    order_of_ids,
    places_in_domain,
    raw_id,
    raw_ids,
)
from transforms.clicks.merged_pools import Pools
from transforms.clicks.pools import POOLS
from transforms.clicks.scenario_task import ScenarioTask
from transforms.clicks.schema import DomainSpec, ScenarioDatasetSpec
from transforms.clicks.tables import item_tables, kind_of_items
from transforms.clicks.user_clicks import UserShard
from transforms.entities.entities import Entity, EntityBlock
from transforms.entities.entity_counts import (
    EntityCounts,
    merge_counts_of_entities,
    without_counts,
)
from transforms.entities.entity_runs import (
    EntityRun,
    JoinKey,
    PartedIds,
    Partition,
    RunSummary,
    nothing_known,
    rows_of,
)
from transforms.entities.forms_of_ids import count_forms_of_ids
from transforms.join_counts import count_forms, count_join
from transforms.joins import SPLIT_FILE
from transforms.reading.coded_column import Ints, small
from transforms.reading.rejected_row import RejectedRow
from transforms.row_counts import RowCounts
from transforms.writing.entity_files import ITEM, USER
from transforms.writing.output_files import OutputFiles


def entities_of_users(shard: UserShard) -> Iterator[tuple[str, EntityCounts]]:
    """Yields what a shard knows of its users and items, by kind."""
    pairs = shard.split.pairs
    is_known = shard.split.is_known
    for kind, ids, places, wanted in (
        (USER, pairs.users, pairs.owners, 1 + shard.shard),
        (ITEM, pairs.items, pairs.codes, 0),
    ):
        number = len(ids)
        yield (
            kind,
            EntityCounts(
                ids,
                small(np.bincount(places, minlength=number)),
                small(np.bincount(places[is_known], minlength=number)),
                np.zeros(number, np.uint8),
                small(np.full(number, wanted)),
            ),
        )


def entities_of_task(task: ScenarioTask) -> tuple[str, EntityCounts]:
    """Returns the items of a task, which have a row even if nobody clicked them."""
    return ITEM, without_counts(task.pool)


class _Told(NamedTuple):
    """What tables say of the items of a partition.

    Attributes:
        known: By id.
        further: Those that have a row even if nobody clicked them.
        table_rows: What became of the rows, by table.
        rejected: Rows that say something else than an earlier one.
    """

    known: dict[str, Entity]
    further: list[EntityCounts]
    table_rows: dict[str, RowCounts]
    rejected: list[RejectedRow]


class ClickRuns:
    """Makes runs of users and items; see `MakeRuns`.

    All that are clicked have a row, and the items of the pools of tasks and of tables
    with features.

    Args:
        spec: The data set.
        files: The output directory, where the pools are.
        listed: Tasks that a split file names; None if there is none.
    """

    def __init__(
        self,
        spec: ScenarioDatasetSpec,
        files: OutputFiles,
        listed: Collection[str] | None,
    ) -> None:
        self._spec = spec
        self._files = files
        self._listed_users = None
        if listed is not None and spec.has_user_tasks:
            self._listed_users = PartedIds(listed, self.raw_ids)

    def raw_ids(self, ids: pa.Array) -> pa.Array:
        """Returns ids without the name of their domain."""
        return raw_ids(ids, self._spec.domain_names)

    def order(self, ids: pa.Array) -> Ints:
        """Returns the places of ids by `domain_order`."""
        return order_of_ids(ids, self._spec.domain_names)

    def run(
        self,
        kind: str,
        partition: Partition,
        counts: Sequence[EntityCounts],
        blocks: Mapping[str, Sequence[EntityBlock]],
    ) -> EntityRun:
        """Joins the counts of all shards, and the rows of tables of items."""
        told = _Told({}, [], {}, [])
        if kind == ITEM:
            told = self._told(blocks)
        every = merge_counts_of_entities([*counts, *told.further])
        every = every.take(self.order(every.ids))
        run_rows, values = rows_of(
            self._spec.item_features if kind == ITEM else (),
            every,
            told.known,
            has_names=have_names(self._spec, kind),
        )
        by_domain = Counter(
            {
                name: len(places_in_domain(every.ids, name))
                for name in self._spec.domain_names
            }
        )
        summary = RunSummary(by_domain, values, told.table_rows)
        for domain in self._spec.domains:
            here = every.take(places_in_domain(every.ids, domain.name))
            if kind == USER:
                self._add_forms(summary, "users", domain, here, here.training)
            else:
                self._add_item_joins(summary, domain, partition, here, told.known)
        if kind == USER and self._listed_users is not None:
            listed = dict.fromkeys(self._listed_users.of(partition), 1)
            found = count_join(listed, set(every.ids.to_pylist()))
            summary.joins[JoinKey("users", SPLIT_FILE, CLICKS)] = found
        return EntityRun(run_rows, summary, told.rejected)

    def _told(self, blocks: Mapping[str, Sequence[EntityBlock]]) -> _Told:
        """Joins the rows of tables of items."""
        told = _Told({}, [], {}, [])
        for table in item_tables(self._spec):
            entities, rejected, rows = table.merge(blocks.get(table.name, ()))
            told.known.update(self._over_all_domains(table.domain, entities))
            told.rejected.extend(rejected)
            told.table_rows[table.name] = rows
            if table.spec.features:
                told.further.append(without_counts(entities))
        return told

    def _over_all_domains(
        self, domain: DomainSpec, entities: Mapping[str, Entity]
    ) -> dict[str, Entity]:
        """Returns items of a domain as ones of which the others tell nothing."""
        place = self._spec.domains.index(domain)
        before, after = (
            nothing_known(one for other in others for one in other.item_features)
            for others in (self._spec.domains[:place], self._spec.domains[place + 1 :])
        )
        return {
            entity_id: entity._replace(values=(*before, *entity.values, *after))
            for entity_id, entity in entities.items()
        }

    def _add_forms(
        self,
        summary: RunSummary,
        ids: str,
        domain: DomainSpec,
        counts: EntityCounts,
        rows: Ints,
    ) -> None:
        forms = count_forms_of_ids(self.raw_ids(counts.ids), rows)
        summary.add_forms(ids, table_name(CLICKS, domain.name), forms)

    def _add_item_joins(
        self,
        summary: RunSummary,
        domain: DomainSpec,
        partition: Partition,
        items: EntityCounts,
        known: Mapping[str, Entity],
    ) -> None:
        """Looks items of clicks up in pools and in the table of items."""
        clicked = items.take(np.flatnonzero(items.pairs))
        self._add_forms(summary, "items", domain, clicked, clicked.pairs)
        clicks, pools, of_items = (
            table_name(kind, domain.name)
            for kind in (CLICKS, POOLS, kind_of_items(domain))
        )
        raw = self.raw_ids(clicked.ids).to_pylist()
        rows = dict(zip(raw, clicked.pairs.tolist(), strict=True))
        if domain.pools is not None:
            listed = dict.fromkeys(self._listed_items[domain.name].of(partition), 1)
            summary.add_forms("items", pools, count_forms(listed))
            counts = count_join(rows, listed)
            summary.joins[JoinKey("items", clicks, pools)] = counts
        if domain.item_table is not None:
            domains = self._spec.domain_names
            own = {
                raw_id(one, domains)
                for one in known
                if domain_of(one, domains) == domain.name
            }
            counts = count_join(rows, own)
            summary.joins[JoinKey("items", clicks, of_items)] = counts

    @functools.cached_property
    def _listed_items(self) -> dict[str, PartedIds]:
        """Raw ids of the items in tables of pools, by domain."""
        domains = self._spec.domain_names
        by_domain: dict[str, list[str]] = {name: [] for name in domains}
        for one in sorted(Pools.read(self._files).listed_items):
            by_domain[domain_of(one, domains)].append(raw_id(one, domains))
        return {name: PartedIds(ids) for name, ids in by_domain.items()}


def have_names(spec: ScenarioDatasetSpec, kind: str) -> bool:
    """Returns whether users, or items, have names for people."""
    tables = item_tables(spec) if kind == ITEM else ()
    return any(table.spec.name_column is not None for table in tables)
