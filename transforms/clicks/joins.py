"""How the ids of clicks, pools, names and the split file find each other."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from transforms.clicks.clicks import CLICKS, table_name
from transforms.clicks.ids import domain_of, raw_id
from transforms.clicks.merged_pools import Pools
from transforms.clicks.pools import POOLS
from transforms.clicks.schema import DomainSpec, ScenarioDatasetSpec
from transforms.clicks.tables import SCENARIO_NAMES, kind_of_items
from transforms.entities.entity_runs import RunSummary
from transforms.joins import SPLIT_FILE, Join, id_forms, join_ids


def click_joins(
    spec: ScenarioDatasetSpec,
    listed: Collection[str] | None,
    runs: tuple[RunSummary, RunSummary],
    scenarios: Mapping[str, int],
    pools: Pools,
    names: Mapping[str, str],
) -> tuple[Join, ...]:
    """Looks ids up: of clicks in pools, of both in names, of a split file in tasks.

    Args:
        spec: The data set.
        listed: Tasks that a split file names; None if there is none.
        runs: What is known of users and of items.
        scenarios: Rows of clicks by scenario.
        pools: The pools.
        names: Names of scenarios by id.
    """
    joins: list[Join] = []
    once = (dict.fromkeys(ids, 1) for ids in (pools.listed_scenarios, names))
    of_scenarios = [scenarios, *once]
    for domain in spec.domains:
        own = (_own(rows, domain.name, spec.domain_names) for rows in of_scenarios)
        joins += _domain_joins(domain, runs, *own)
    if listed is not None and spec.has_user_tasks:
        joins.append(runs[0].join("users", SPLIT_FILE, CLICKS))
    elif listed is not None:
        known = {*pools.listed_scenarios, *scenarios}
        rows = dict.fromkeys(listed, 1)
        joins.append(join_ids("scenarios", SPLIT_FILE, POOLS, rows, known))
    return tuple(joins)


def _own(rows: Mapping[str, int], domain: str, names: Sequence[str]) -> dict[str, int]:
    """Returns rows by the ids of one domain, as these came."""
    return {
        raw_id(one, names): number
        for one, number in rows.items()
        if domain_of(one, names) == domain
    }


def _domain_joins(
    domain: DomainSpec,
    runs: tuple[RunSummary, RunSummary],
    scenarios: Mapping[str, int],
    listed: Mapping[str, int],
    names: Mapping[str, int],
) -> Iterator[Join]:
    """Yields the joins of one domain, by ids as they came.

    Args:
        domain: The domain.
        runs: What is known of users and of items.
        scenarios: Rows of clicks by scenario.
        listed: Scenarios in its table of pools.
        names: Scenarios that have a name.
    """
    users, items = runs
    clicks, pools, of_items, scenario_names = (
        table_name(kind, domain.name)
        for kind in (CLICKS, POOLS, kind_of_items(domain), SCENARIO_NAMES)
    )
    yield from users.forms("users", clicks)
    yield from items.forms("items", clicks)
    yield from id_forms("scenarios", clicks, scenarios)
    if domain.pools is not None:
        yield from items.forms("items", pools)
        yield from id_forms("scenarios", pools, listed)
        yield items.join("items", clicks, pools)
        if domain.clicks.scenario_column is not None:
            yield join_ids("scenarios", clicks, pools, scenarios, listed)
    if domain.item_table is not None:
        yield items.join("items", clicks, of_items)
    if domain.scenario_names is not None:
        left, rows = (clicks, scenarios) if scenarios else (pools, listed)
        yield join_ids("scenarios", left, scenario_names, rows, names)
