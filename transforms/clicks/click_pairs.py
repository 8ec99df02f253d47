"""Clicks of one shard to the different pairs of its users."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from transforms.clicks.click_block import ClickBlock
from transforms.clicks.ids import order_of_ids
from transforms.reading.coded_column import CodedColumn, Floats, Ints, join_texts
from transforms.reading.stretches import places_in
from transforms.row_counts import RowCounts

REPEATED_CLICK = "repeated_click"


@dataclasses.dataclass(frozen=True)
class ClickPairs:
    """The different pairs of the users of one shard.

    Attributes:
        users: User ids in their order, a pyarrow array of texts.
        items: The different item ids in their order, likewise.
        owners: Place of the user of each pair, ascending.
        codes: Place of its item.
        scenarios: The different scenarios that the log says.
        logged: Pair and scenario of each click of which the log says the scenario, as
            places: [2, clicks].
        times: Time of the first click of each pair; infinite where none is read.
    """

    users: pa.Array
    items: pa.Array
    owners: Ints
    codes: Ints
    scenarios: pa.Array
    logged: Ints
    times: Floats

    def take(self, order: Ints) -> ClickPairs:
        """Returns all pairs in another order."""
        places = places_in(order)
        return dataclasses.replace(
            self,
            owners=self.owners[order],
            codes=self.codes[order],
            logged=np.stack([places[self.logged[0]], self.logged[1]]),
            times=self.times[order],
        )


@dataclasses.dataclass(frozen=True)
class ClickCounts:
    """What became of the rows of one shard.

    Attributes:
        tables: Of each log: a row that repeats an earlier one is left out.
        scenarios: Rows of each scenario that a log says.
    """

    tables: dict[str, RowCounts]
    scenarios: Counter[str]


def pairs_of_users(
    blocks: Iterable[ClickBlock], domains: Sequence[str]
) -> tuple[ClickPairs, ClickCounts]:
    """Collects the different pairs of each user.

    Args:
        blocks: All blocks of a shard, in any order.
        domains: Names of all domains.
    """
    blocks = list(blocks)
    users, items = (
        _in_order(join_texts(getattr(block, name) for block in blocks), domains)
        for name in ("users", "items")
    )
    scenarios = join_texts(block.scenarios for block in blocks)
    tables = sorted({block.table for block in blocks})
    places = [tables.index(block.table) for block in blocks]
    sizes = np.array([len(block.users) for block in blocks], np.int64)
    table = np.repeat(np.array(places, np.int64), sizes)
    num_items, num_scenarios = len(items[1]), len(scenarios.values)
    keys, pair = np.unique(
        users[0].astype(np.int64) * num_items + items[0], return_inverse=True
    )
    clicks, first = np.unique(pair * num_scenarios + scenarios.codes, return_index=True)
    says = np.array([bool(text) for text in scenarios.values.to_pylist()], np.bool_)
    logged = np.stack(np.divmod(clicks, max(num_scenarios, 1)))
    owners, codes = np.divmod(keys, max(num_items, 1))
    pairs = ClickPairs(
        users[1],
        items[1],
        owners,
        codes,
        scenarios.values,
        logged[:, says[logged[1]]],
        _first_times(blocks, pair, len(keys)),
    )
    rows = np.bincount(scenarios.codes, minlength=num_scenarios).tolist()
    by_scenario = Counter(dict(zip(scenarios.values.to_pylist(), rows, strict=True)))
    del by_scenario[""]
    return pairs, ClickCounts(_counts(tables, table, table[first]), by_scenario)


def _first_times(blocks: Sequence[ClickBlock], pair: Ints, num_pairs: int) -> Floats:
    """Returns the time of the first click of each pair, given the pair of each row."""
    first = np.full(num_pairs, np.inf)
    if all(block.times is None for block in blocks):
        return first
    unread = (np.full(len(block.users), np.inf) for block in blocks)
    times = [
        one if block.times is None else block.times
        for block, one in zip(blocks, unread, strict=True)
    ]
    np.minimum.at(first, pair, np.concatenate(times))
    return first


def _in_order(column: CodedColumn, domains: Sequence[str]) -> tuple[Ints, pa.Array]:
    """Returns the place of each row among the values in their order, and those."""
    order = order_of_ids(column.values, domains)
    return places_in(order)[column.codes], column.values.take(pa.array(order))


def _counts(tables: Sequence[str], rows: Ints, used: Ints) -> dict[str, RowCounts]:
    """Returns what became of the rows of each table, given the tables of rows."""
    num_rows, num_used = (
        np.bincount(one, minlength=len(tables)).tolist() for one in (rows, used)
    )
    return {
        name: RowCounts(
            used=num_used[place],
            left_out=+Counter({REPEATED_CLICK: num_rows[place] - num_used[place]}),
        )
        for place, name in enumerate(tables)
    }
