"""Which items belong to which scenario."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.clicks.clicks import ClickBlock, domain_order, in_domain, table_name
from transforms.clicks.schema import PoolSpec, ScenarioDatasetSpec
from transforms.raw_text import normal_id
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.blocks import Block
from transforms.reading.parse_rows import ParseRows
from transforms.reading.row_error import MISSING_FIELD, RowError, UnwantedRowError
from transforms.reading.values import as_id
from transforms.row_counts import RowCounts
from transforms.writing.counters import count_dropped

# What refused rows say they were read as.
POOLS = "pools"

POOL_TOO_SMALL = "pool_too_small"
POOL_TOO_LARGE = "pool_too_large"
# An item of which the table says that it belongs to no scenario.
NO_SCENARIO = "no_scenario"

_POOLS = Metrics.counter("cmml", "pools")


@dataclasses.dataclass
class PoolBlock:
    """Which items belong to which scenario, by a stretch of a table.

    Attributes:
        pools: Items by scenario, each once, in the order they came.
        is_listed: Whether a table of pools says so; else the clicks do.
    """

    pools: dict[str, dict[str, None]] = dataclasses.field(default_factory=dict)
    is_listed: bool = True


@dataclasses.dataclass
class Pools:
    """The pools of the scenarios that are neither too small nor too large.

    Attributes:
        items: Item ids of each scenario, in the order of their rows.
        scenarios: Scenarios of each item.
        num_dropped: Scenarios left out, by reason.
        listed_items: Items in tables of pools, those of scenarios left out too.
        listed_scenarios: Scenarios in tables of pools, likewise.
    """

    items: dict[str, list[str]]
    scenarios: dict[str, list[str]]
    num_dropped: Counter[str]
    listed_items: set[str] = dataclasses.field(default_factory=set)
    listed_scenarios: set[str] = dataclasses.field(default_factory=set)


class PoolParser:
    """Reads the items by scenario of one block.

    Args:
        spec: Columns, separator and case.
        domain: Name that goes before ids; "" for none.
        block: The block.
        normalize: Whether ids that differ in form only are one.
    """

    def __init__(
        self, spec: PoolSpec, domain: str, block: Block, *, normalize: bool = False
    ) -> None:
        self.counts = RowCounts()
        self._spec = spec
        self._domain = domain
        self._normalize = normalize
        self._block = PoolBlock()

    def add(self, line: int, fields: tuple[Any, ...]) -> None:
        """Reads one row; raises `RowError` if it is none of a pool."""
        item_id, scenarios = parse_pool_row(
            fields, self._spec, self._domain, normalize=self._normalize
        )
        self.counts.used += 1
        for scenario_id in scenarios:
            self._block.pools.setdefault(scenario_id, {})[item_id] = None

    def parsed(self) -> Iterable[PoolBlock]:
        """Returns one `PoolBlock`."""
        return [self._block]


def parse_pools(spec: PoolSpec, domain: str, *, normalize: bool = False) -> ParseRows:
    """Returns the stage that turns `Block`s into `PoolBlock`s.

    Args:
        spec: Table, columns, separator and case.
        domain: Name that goes before ids; "" for none.
        normalize: Whether ids that differ in form only are one.
    """
    new_parser = functools.partial(PoolParser, spec, domain, normalize=normalize)
    name = table_name(POOLS, domain)
    return ParseRows(name, spec.table, _pool_columns(spec), new_parser)


class MergePools(beam.DoFn):
    """Joins all pools, which one worker holds, as every worker does afterwards.

    Input: anything, once; as a side input all `PoolBlock`s.
    Output: `Pools`, once.

    Args:
        spec: Sizes that a pool must have, and the domains.
    """

    def __init__(self, spec: ScenarioDatasetSpec) -> None:
        super().__init__()
        self._spec = spec

    @no_beam_hints
    def process(self, _: object, blocks: Iterable[PoolBlock]) -> Iterator[Pools]:
        """Joins the blocks."""
        pools = merge_pools(blocks, self._spec)
        _POOLS.inc(len(pools.items))
        count_dropped(pools.num_dropped)
        yield pools


def merge_pools(blocks: Iterable[PoolBlock], spec: ScenarioDatasetSpec) -> Pools:
    """Joins pools, and keeps those of the right size.

    Args:
        blocks: Items by scenario, in any order.
        spec: Sizes that a pool must have, and the domains.
    """
    sizes = spec.episodes
    order = domain_order(spec.domain_names)
    joined: dict[str, set[str]] = {}
    pools = Pools({}, {}, Counter())
    for block in blocks:
        for scenario_id, pool in block.pools.items():
            joined.setdefault(scenario_id, set()).update(pool)
            if block.is_listed:
                pools.listed_items.update(pool)
                pools.listed_scenarios.add(scenario_id)
    for scenario_id in sorted(joined, key=order):
        items = joined[scenario_id]
        if len(items) < sizes.min_pool_size:
            pools.num_dropped[POOL_TOO_SMALL] += 1
        elif len(items) > sizes.max_pool_size:
            pools.num_dropped[POOL_TOO_LARGE] += 1
        else:
            pools.items[scenario_id] = sorted(items, key=order)
            for item_id in items:
                pools.scenarios.setdefault(item_id, []).append(scenario_id)
    return pools


def pools_of_clicks(block: ClickBlock) -> PoolBlock:
    """Returns what was clicked in each scenario that the clicks say."""
    pools = PoolBlock(is_listed=False)
    for item_id, scenario_id in zip(block.items, block.scenarios, strict=True):
        if scenario_id:
            pools.pools.setdefault(scenario_id, {})[item_id] = None
    return pools


def parse_pool_row(
    values: tuple[Any, ...], spec: PoolSpec, domain: str, *, normalize: bool = False
) -> tuple[str, list[str]]:
    """Reads the item and the scenarios of one row.

    Args:
        values: Item and scenario, as they are in the table.
        spec: Separator and case.
        domain: Name that goes before ids; "" for none.
        normalize: Whether ids that differ in form only are one.

    Returns:
        The item id, and its scenario ids, at least one.

    Raises:
        RowError: If a field is empty or cannot be an id.
        UnwantedRowError: If the scenario is one of the codes for nothing known.
    """
    item_column, scenario_column = _pool_columns(spec)
    item = as_id(values[0], item_column, normalize=normalize)
    if values[1] is None and spec.table.missing:
        raise UnwantedRowError(NO_SCENARIO)
    scenario = as_id(values[1], scenario_column)
    if spec.lowercase:
        scenario = scenario.lower()
    parts = [scenario] if spec.separator is None else scenario.split(spec.separator)
    names = [name for part in parts if (name := part.strip())]
    if not names:
        raise RowError(MISSING_FIELD, f"{scenario_column} names no scenario")
    if normalize:
        names = list(map(normal_id, names))
    return in_domain(domain, item), [in_domain(domain, name) for name in names]


def _pool_columns(spec: PoolSpec) -> tuple[str, str]:
    return spec.item_column, spec.scenario_column
