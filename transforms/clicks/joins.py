"""How the ids of clicks, pools, names and the split file find each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.clicks.clicks import CLICKS, table_name
from transforms.clicks.ids import domain_of, raw_id, raw_ids
from transforms.clicks.merged_pools import Pools
from transforms.clicks.pools import POOLS
from transforms.clicks.schema import DomainSpec, ScenarioDatasetSpec
from transforms.clicks.summaries import UsersSummary
from transforms.entities.forms_of_ids import forms_of_ids
from transforms.joins import Join, id_forms, join_ids
from transforms.reading.coded_column import Ints


def click_joins(
    spec: ScenarioDatasetSpec,
    listed: Collection[str] | None,
    summary: UsersSummary,
    pools: Pools,
    names: Mapping[str, Mapping[str, str]],
) -> tuple[Join, ...]:
    """Looks ids up: of clicks in pools, of both in names, of a split file in scenarios.

    Args:
        spec: The data set.
        listed: Scenarios that a split file names; None if there is none.
        summary: What is known of all clicks.
        pools: The pools.
        names: Names by id, by kind.
    """
    joins: list[Join] = []
    for domain in spec.domains:
        joins += _domain_joins(domain, spec.domain_names, summary, pools, names)
    if listed is not None:
        known = {*pools.listed_scenarios, *summary.counts.scenarios}
        rows = dict.fromkeys(listed, 1)
        joins.append(join_ids("scenarios", "split.path", POOLS, rows, known))
    return tuple(joins)


def _domain_joins(
    domain: DomainSpec,
    domains: Sequence[str],
    summary: UsersSummary,
    pools: Pools,
    names: Mapping[str, Mapping[str, str]],
) -> Iterator[Join]:
    """Yields the joins of one domain, by ids as they came."""

    def own(ids: Iterable[str]) -> dict[str, str]:
        return {
            raw_id(one, domains): one
            for one in ids
            if domain_of(one, domains) == domain.name
        }

    def counted(counts: Mapping[str, int]) -> dict[str, int]:
        return {raw: counts[one] for raw, one in own(counts).items()}

    clicks, of_pools = (table_name(kind, domain.name) for kind in (CLICKS, POOLS))
    items = counted(summary.items.pairs_by_id())
    scenarios = counted(summary.counts.scenarios)
    users = summary.users.take(_are_of(summary.users.ids, domain.name))
    raw_users = raw_ids(users.ids, domains)
    yield from forms_of_ids("users", clicks, raw_users, users.training)
    yield from id_forms("items", clicks, items)
    yield from id_forms("scenarios", clicks, scenarios)
    if domain.pools is not None:
        listed = own(pools.listed_items)
        yield from id_forms("items", of_pools, dict.fromkeys(listed, 1))
        listed_scenarios = dict.fromkeys(own(pools.listed_scenarios), 1)
        yield from id_forms("scenarios", of_pools, listed_scenarios)
        yield join_ids("items", clicks, of_pools, items, listed)
        if domain.clicks.scenario_column is not None:
            known = own(pools.listed_scenarios)
            yield join_ids("scenarios", clicks, of_pools, scenarios, known)
    for kind, spec, rows in (
        ("item_names", domain.item_names, items),
        (
            "scenario_names",
            domain.scenario_names,
            scenarios or dict.fromkeys(own(pools.listed_scenarios), 1),
        ),
    ):
        if spec is not None:
            table = table_name(kind, domain.name)
            left = clicks if rows is items or scenarios else of_pools
            of = "items" if rows is items else "scenarios"
            yield join_ids(of, left, table, rows, own(names.get(kind, {})))


def _are_of(ids: pa.Array, domain: str) -> Ints:
    """Returns the places of the ids of a domain."""
    prefix = f"{domain}:" if domain else ""
    return np.flatnonzero(pc.starts_with(ids, prefix).to_numpy(zero_copy_only=False))
