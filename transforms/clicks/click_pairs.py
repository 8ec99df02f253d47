"""Clicks of one shard to the different pairs of its users."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa

from transforms.clicks.clicks import ClickBlock
from transforms.clicks.ids import order_of_ids
from transforms.reading.coded_column import (
    CodedColumn,
    Flags,
    Floats,
    Ints,
    join_texts,
    places_in,
)
from transforms.row_counts import RowCounts
from transforms.splits import split_windows

REPEATED_CLICK = "repeated_click"
CLICK_AFTER_SPLIT = "click_after_split"


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
        times: Time of the first click of each pair; 0 where nothing goes by time.
    """

    users: pa.Array
    items: pa.Array
    owners: Ints
    codes: Ints
    scenarios: pa.Array
    logged: Ints
    times: Floats

    def take(self, order: Ints) -> Self:
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
    blocks: Iterable[ClickBlock],
    domains: Sequence[str],
    starts: Mapping[str, float] | None = None,
    *,
    late_once: bool = False,
) -> tuple[ClickPairs, ClickCounts]:
    """Collects the different pairs of each user.

    Args:
        blocks: All blocks of a shard, in any order.
        domains: Names of all domains.
        starts: As of `SplitSpec`, where pairs are split by time: each by its first
            click, and its clicks of a later split are left out, in another scenario
            too.
        late_once: Whether a pair that is not of the first split counts in one scenario
            only, where it was clicked first: what is asked for in one is then not shown
            in another.
    """
    blocks = list(blocks)
    tables = sorted({block.table for block in blocks})
    rows = _rows_of(blocks, tables)
    users, items = (_in_order(column, domains) for column in (rows.users, rows.items))
    scenarios = rows.scenarios
    num_items, num_scenarios = len(items[1]), len(scenarios.values)
    keys, pair = np.unique(
        users[0].astype(np.int64) * num_items + items[0], return_inverse=True
    )
    split = split_windows(pair, rows.times, len(keys), starts or {})
    early = chosen = np.flatnonzero(split.is_early)
    if late_once:
        may_count = _are_first(pair, rows) | (split.windows == 0)[pair]
        chosen = np.flatnonzero(split.is_early & may_count)
    clicks, first = np.unique(
        (pair * num_scenarios + scenarios.codes)[chosen], return_index=True
    )
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
        split.first,
    )
    sources = (chosen[first], np.flatnonzero(~split.is_early))
    counts = _counts(tables, *(rows.tables[one] for one in (early, *sources)))
    return pairs, ClickCounts(counts, _rows_of_scenarios(scenarios))


class _Rows(NamedTuple):
    """Rows of a shard: the columns, the place of their table, and their times."""

    users: CodedColumn
    items: CodedColumn
    scenarios: CodedColumn
    tables: Ints
    times: Floats


def _rows_of(blocks: Sequence[ClickBlock], tables: Sequence[str]) -> _Rows:
    """Returns the rows of all blocks; times are 0 where they are not read."""
    sizes = [len(block.users) for block in blocks]
    places = np.array([tables.index(block.table) for block in blocks], np.int64)
    users, items, scenarios = (
        join_texts(getattr(block, name) for block in blocks)
        for name in ("users", "items", "scenarios")
    )
    times = [
        np.zeros(size) if block.times is None else block.times
        for block, size in zip(blocks, sizes, strict=True)
    ]
    of_rows = np.repeat(places, np.array(sizes, np.int64))
    all_times = np.concatenate([np.zeros(0), *times])
    return _Rows(users, items, scenarios, of_rows, all_times)


def _are_first(pair: Ints, rows: _Rows) -> Flags:
    """Returns which row is the first of its pair; by scenario, if at the same time."""
    texts = np.array(rows.scenarios.values.to_pylist(), np.str_)
    places = np.argsort(np.argsort(texts))[rows.scenarios.codes]
    order = np.lexsort((places, rows.times, pair))
    is_first = np.zeros(len(pair), np.bool_)
    is_first[order] = np.diff(pair[order], prepend=-1) != 0
    return is_first


def _rows_of_scenarios(scenarios: CodedColumn) -> Counter[str]:
    """Counts the rows of each scenario that the log says."""
    texts = scenarios.values.to_pylist()
    sizes = np.bincount(scenarios.codes, minlength=len(texts)).tolist()
    counts = Counter(dict(zip(texts, sizes, strict=True)))
    del counts[""]
    return counts


def _in_order(column: CodedColumn, domains: Sequence[str]) -> tuple[Ints, pa.Array]:
    """Returns the place of each row among the values in their order, and those."""
    order = order_of_ids(column.values, domains)
    return places_in(order)[column.codes], column.values.take(pa.array(order))


def _counts(
    tables: Sequence[str], rows: Ints, used: Ints, late: Ints
) -> dict[str, RowCounts]:
    """Returns what became of the rows of each table, given the tables of rows."""
    num_rows, num_used, num_late = (
        np.bincount(one, minlength=len(tables)).tolist() for one in (rows, used, late)
    )
    return {
        name: RowCounts(
            used=num_used[place],
            left_out=+Counter(
                {
                    REPEATED_CLICK: num_rows[place] - num_used[place],
                    CLICK_AFTER_SPLIT: num_late[place],
                }
            ),
        )
        for place, name in enumerate(tables)
    }
