"""Made-up logs of any size: few users and items have most of the rows.

Rows are made a million at a time, so that only what is known of each user is held. No
pair occurs twice, users are spread over the whole log, and equal sizes give equal
bytes.
"""

import dataclasses
import math
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

_ROWS_AT_A_TIME = 1 << 20
_ACTIVITY = 0.7  # Rows of the n-th user: as n ** -0.7.
_POPULARITY = 4  # Rows of the n-th item: about as n ** -0.75.
_LEVELS = 5
_POOL_SIZES = (100, 300)
_POOLS_OF_AN_ITEM = 3


@dataclasses.dataclass(frozen=True)
class LogSize:
    """How large a log is.

    Attributes:
        rows: Rows.
        users: Users, each with one row or more.
        items: Items, of which the least popular may have no row.
    """

    rows: int
    users: int
    items: int


def write_log(
    folder: pathlib.Path, name: str, size: LogSize, *, file_format: str
) -> pathlib.Path:
    """Writes ratings: `user_id` (numbers), `item_id` (texts), `rating`, `timestamp`.

    Args:
        folder: Where to.
        name: Of the file, without suffix.
        size: How large.
        file_format: "csv" or "parquet".

    Returns:
        The file.
    """
    path = folder / f"{name}.{file_format}"
    tables = made_tables(size)
    first = next(tables)
    writer: Any
    if file_format == "csv":
        plain = pa.csv.WriteOptions(quoting_style="none")
        writer = pa.csv.CSVWriter(path, first.schema, write_options=plain)
    else:
        writer = pa.parquet.ParquetWriter(path, first.schema)
    with writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)
    return path


def write_pools(folder: pathlib.Path, num_items: int) -> pathlib.Path:
    """Writes which items belong to which scenario, some 200 to each; returns the file.

    Args:
        folder: Where to.
        num_items: Items of the log.
    """
    chance = np.random.default_rng(1)
    low, high = _POOL_SIZES
    num_pools = math.ceil(_POOLS_OF_AN_ITEM * num_items / ((low + high) / 2))
    path = folder / f"pools-{num_items}.csv"
    with path.open("w") as file:
        file.write("item_id,scenario_id\n")
        for pool in range(num_pools):
            number = min(int(chance.integers(low, high)), num_items)
            items = chance.choice(num_items, number, replace=False)
            file.writelines(f"i{item},s{pool}\n" for item in items)
    return path


def made_tables(size: LogSize) -> Iterator[pa.Table]:
    """Yields the rows of `write_log`, some at a time."""
    counts = _rows_of_users(size)
    ends = np.cumsum(counts)
    names = np.random.default_rng(0).permutation(size.users)
    # The n-th row is pair n * step modulo their number: neighbours are far apart.
    step = int(size.rows * 0.618) | 1
    while math.gcd(step, size.rows) > 1:
        step += 2
    for start in range(0, size.rows, _ROWS_AT_A_TIME):
        row = np.arange(start, min(start + _ROWS_AT_A_TIME, size.rows))
        pair = row * step % size.rows
        user = np.searchsorted(ends, pair, side="right")
        item = _items(pair - (ends - counts)[user], counts[user], user, size.items)
        quality = _noise(item) + _noise(pair) + _noise(user)
        yield pa.table(
            {
                "user_id": pa.array(names[user]),
                "item_id": pa.array(np.strings.add("i", item.astype(str))),
                "rating": pa.array(1.0 + np.floor(quality / 3 * _LEVELS)),
                "timestamp": pa.array(1_600_000_000 + row),
            }
        )


def _rows_of_users(size: LogSize) -> np.ndarray:
    """Returns the rows of each user, the most active first."""
    most = size.items // 2
    if not size.users <= size.rows <= size.users * most:
        raise ValueError(
            f"rows must be within [{size.users}, {size.users * most}], one for each "
            f"user and half of the items at most, got {size.rows}."
        )
    weights = np.arange(1, size.users + 1) ** -_ACTIVITY
    spare = size.rows - size.users
    counts = 1 + np.floor(spare * weights / weights.sum()).astype(np.int64)
    counts = np.minimum(counts, most)
    while missing := size.rows - counts.sum():
        free = np.flatnonzero(counts < most)
        share = max(missing // len(free), 1)
        chosen = free[: missing // share]
        counts[chosen] += np.minimum(share, most - counts[chosen])
    return counts


def _items(
    place: np.ndarray, count: np.ndarray, user: np.ndarray, num_items: int
) -> np.ndarray:
    """Returns the items of pairs, given the place among those of its user.

    The places of a user rise, so the items do, and no item comes twice.
    """
    share = (place + _noise(user)) / count
    return place + np.floor((num_items - count) * share**_POPULARITY).astype(np.int64)


def _noise(numbers: np.ndarray) -> np.ndarray:
    """Returns numbers in [0, 1) that look drawn by chance, alike for equal ones."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(11)) / float(1 << 53)
