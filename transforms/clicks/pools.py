"""Which items belong to which scenario."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import numpy as np

from transforms.clicks.clicks import NO_SCENARIO, ClickBlock, table_name
from transforms.clicks.ids import in_domain
from transforms.clicks.schema import PoolSpec
from transforms.reading.blocks import Block
from transforms.reading.parse_rows import ParseRows
from transforms.reading.row_error import MISSING_FIELD, RowError, UnwantedRowError
from transforms.reading.values import as_id, normal_form
from transforms.row_counts import RowCounts

# What refused rows say they were read as.
POOLS = "pools"


@dataclasses.dataclass
class PoolBlock:
    """Which items belong to which scenario, by a stretch of a table.

    Attributes:
        pools: Items by scenario, each once, in the order they came.
        is_listed: Whether a table of pools says so; else the clicks do.
    """

    pools: dict[str, dict[str, None]] = dataclasses.field(default_factory=dict)
    is_listed: bool = True


class PoolParser:
    """Reads the items by scenario of one block.

    Args:
        spec: Table, columns, separator and case.
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
        plain = parse_pool_row(fields, self._spec, self._domain)
        item_id, scenarios = plain
        if self._normalize:
            normal = parse_pool_row(fields, self._spec, self._domain, normalize=True)
            item_id, scenarios = normal
            self.counts.count_forms(_pool_columns(self._spec), plain, normal)
        self.counts.used += 1
        for scenario_id in scenarios:
            self._block.pools.setdefault(scenario_id, {})[item_id] = None

    def parsed(self) -> Iterable[PoolBlock]:
        """Returns one `PoolBlock`."""
        return [self._block]


def parse_pools(spec: PoolSpec, domain: str, *, normalize: bool = False) -> ParseRows:
    """Returns the stage that turns `Block`s into `PoolBlock`s.

    Arguments as of `PoolParser`.
    """
    new_parser = functools.partial(PoolParser, spec, domain, normalize=normalize)
    name = table_name(POOLS, domain)
    return ParseRows(name, spec.table, _pool_columns(spec), new_parser)


def pools_of_clicks(packed: bytes) -> PoolBlock:
    """Returns what was clicked in each scenario that a packed `ClickBlock` says."""
    block = ClickBlock.unpacked(packed)
    pools = PoolBlock(is_listed=False)
    items, scenarios = (
        column.values.to_pylist() for column in (block.items, block.scenarios)
    )
    if not any(scenarios):
        return pools
    keys = block.scenarios.codes.astype(np.int64) * len(items) + block.items.codes
    for scenario, item in zip(*np.divmod(np.unique(keys), len(items)), strict=True):
        if scenarios[scenario]:
            pools.pools.setdefault(scenarios[scenario], {})[items[item]] = None
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
        names = [normal_form(name, scenario_column) for name in names]
    return in_domain(domain, item), [in_domain(domain, name) for name in names]


def _pool_columns(spec: PoolSpec) -> tuple[str, str]:
    return spec.item_column, spec.scenario_column
