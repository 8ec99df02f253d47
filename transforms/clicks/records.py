"""Tasks and known clicks to records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from transforms import schema
from transforms.clicks import schema as keys
from transforms.clicks.scenario_task import ScenarioTask
from transforms.clicks.user_clicks import SplitPairs, UserShard
from transforms.reading.coded_column import Ints, starts_of
from transforms.writing.entity_files import EntityRows, IdRows
from transforms.writing.episode_files import shard_file, write_records
from transforms.writing.output_files import OutputFiles
from transforms.writing.tfrecord import PackedInts, encode_example

_WRITTEN = Metrics.counter("cmml", "known_clicks_written")


class WriteClicks(beam.DoFn):
    """Writes the known and the other clicks of one shard of users, a file of each.

    Input: (shard, its `UserShard` among elements that say nothing). The users and items
        must be written.
    Output: the number of users written.

    Args:
        files: The output directory.
        num_shards: Shards in all, which stands in the file names.
    """

    def __init__(self, files: OutputFiles, num_shards: int) -> None:
        super().__init__()
        self._files = files
        self._num_shards = num_shards
        self._rows = EntityRows(files)

    def process(self, group: tuple[int, Iterable[UserShard | None]]) -> Iterator[int]:
        """Writes the files."""
        (shard,) = filter(None, group[1])
        rows = self._rows.of_shard(shard.shard), self._rows.items
        split = shard.split
        is_known = split.is_known
        for kind, chosen in ((keys.KNOWN, is_known), (keys.HELD_OUT, ~is_known)):
            name = shard_file(keys.CLICKS_DIR, kind, shard.shard, self._num_shards)
            records = encode_clicks(split, np.flatnonzero(chosen), *rows)
            write_records(self._files, name, records)
        _WRITTEN.inc(int(is_known.sum()))
        yield len(split.pairs.users)


def encode_clicks(
    split: SplitPairs, chosen: Ints, rows_of_users: Ints, item_rows: IdRows
) -> Iterator[bytes]:
    """Yields a record of the clicks of each user that has some, each with its fold.

    Args:
        split: The clicks of a shard.
        chosen: Places of the clicks to encode, ascending.
        rows_of_users: Row of each user.
        item_rows: Rows of the items.
    """
    pairs = split.pairs
    owners, sizes = np.unique(pairs.owners[chosen], return_counts=True)
    users = rows_of_users[owners].tolist()
    items = PackedInts(item_rows.of(pairs.items)[pairs.codes[chosen]])
    folds = PackedInts(split.folds[chosen])
    starts = starts_of(sizes)
    columns = (column.bytes_of(starts, starts + sizes) for column in (items, folds))
    for user, item_bytes, fold_bytes in zip(users, *columns, strict=True):
        yield encode_example(
            ints={
                keys.CLICKS_USER_KEY: [user],
                keys.CLICKS_ITEM_KEY: item_bytes,
                keys.CLICKS_FOLD_KEY: fold_bytes,
            }
        )


def encode_tasks(
    shard: int, tasks: Iterable[ScenarioTask], rows: EntityRows
) -> Iterator[tuple[str, bytes]]:
    """Yields split and record of each task, its ids as rows of the entity tables."""
    del shard  # Their users come from all shards of users.
    tasks = list(tasks)
    # All at once: looking up is little work, but what it takes is of all entities.
    users = _rows_of(rows.users, [task.users for task in tasks])
    pools = _rows_of(rows.items, [pa.array(task.pool, pa.string()) for task in tasks])
    for task, users_of_task, pool in zip(tasks, users, pools, strict=True):
        yield task.split, _encode_task(task, users_of_task, pool)


def _rows_of(table: IdRows, columns: Sequence[pa.Array]) -> list[Ints]:
    """Returns the rows of the ids of each column."""
    rows = table.of(pa.concat_arrays([pa.array([], pa.string()), *columns]))
    ends = np.cumsum([len(column) for column in columns], dtype=np.int64)
    return np.split(rows, ends)[:-1]


def _encode_task(task: ScenarioTask, users: Ints, pool: Ints) -> bytes:
    ints: dict[str, Any] = {
        keys.POOL_KEY: pool[:0] if task.is_open else np.sort(pool),
        keys.SUPPORT_FOLD_KEY: task.support.folds,
        keys.KNOWN_USER_KEY: users[task.known_users],
        keys.KNOWN_ITEM_KEY: pool[task.known_items],
    }
    for clicks, user_key, item_key, negative_key in (
        (
            task.support,
            keys.SUPPORT_USER_KEY,
            keys.SUPPORT_ITEM_KEY,
            keys.SUPPORT_NEGATIVE_KEY,
        ),
        (task.query, keys.QUERY_USER_KEY, keys.QUERY_ITEM_KEY, keys.QUERY_NEGATIVE_KEY),
    ):
        ints[user_key] = users[clicks.users]
        ints[item_key] = pool[clicks.items]
        ints[negative_key] = pool[clicks.negatives.ravel()]
    return encode_example(ints=ints, texts={schema.TASK_ID_KEY: task.scenario_id})
