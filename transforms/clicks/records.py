"""Tasks and known clicks to records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics

from transforms import schema
from transforms.clicks import schema as keys
from transforms.clicks.tasks import ScenarioTask
from transforms.clicks.user_clicks import UserClicks, UserShard
from transforms.reading.beam_hints import no_beam_hints
from transforms.writing.entity_files import EntityRows
from transforms.writing.episode_files import shard_file, write_records
from transforms.writing.output_files import OutputFiles
from transforms.writing.tfrecord import encode_example

_WRITTEN = Metrics.counter("cmml", "known_clicks_written")


class WriteClicks(beam.DoFn):
    """Writes the known and the held-out clicks of one shard of users, a file of each.

    Input: (shard, its `UserShard` among elements that say nothing). The vocabularies of
        ids must be written.
    Output: the number of users written.

    Args:
        files: The output directory.
        num_shards: Shards in all, which stands in the file names.
    """

    def __init__(self, files: OutputFiles, num_shards: int) -> None:
        super().__init__()
        self._files = files
        self._num_shards = num_shards
        self._rows: EntityRows | None = None

    @no_beam_hints
    def process(self, group: tuple[int, Iterable[UserShard | None]]) -> Iterator[int]:
        """Writes the files."""
        (shard,) = filter(None, group[1])
        rows = self._rows = self._rows or EntityRows.read(self._files)
        users, item_rows = rows.users.by_id(), rows.items.by_id()
        for kind, clicks_of in ((keys.KNOWN, _known), (keys.HELD_OUT, _held_out)):
            name = shard_file(keys.CLICKS_DIR, kind, shard.shard, self._num_shards)
            records = (
                encode_clicks(users[user.user_id], items, folds, item_rows)
                for user in shard.users
                for items, folds in (clicks_of(user),)
                if items
            )
            write_records(self._files, name, records)
        _WRITTEN.inc(sum(len(user.known) for user in shard.users))
        yield len(shard.users)


def _known(user: UserClicks) -> tuple[list[str], Sequence[int]]:
    return user.known, user.folds


def _held_out(user: UserClicks) -> tuple[list[str], Sequence[int]]:
    items = [item_id for items in user.held_out.values() for item_id in items]
    return items, user.held_out_folds


def encode_clicks(
    user: int, items: Sequence[str], folds: Sequence[int], rows: Mapping[str, int]
) -> bytes:
    """Returns the record of clicks of one user, each with its fold.

    Args:
        user: Row of the user.
        items: The items.
        folds: Fold of each.
        rows: Row of each item.
    """
    return encode_example(
        ints={
            keys.CLICKS_USER_KEY: [user],
            keys.CLICKS_ITEM_KEY: [rows[item_id] for item_id in items],
            keys.CLICKS_FOLD_KEY: folds,
        }
    )


def encode_tasks(
    tasks: Iterable[ScenarioTask], rows: EntityRows
) -> Iterator[tuple[str, bytes]]:
    """Yields split and record of each task, its ids as rows of the entity tables."""
    users, items = rows.users.by_id(), rows.items.by_id()
    for task in tasks:
        yield task.split, _encode_task(task, users, items)


def _encode_task(
    task: ScenarioTask, users: Mapping[str, int], items: Mapping[str, int]
) -> bytes:
    pool = np.array([items[item_id] for item_id in task.pool])
    ints: dict[str, Any] = {
        keys.POOL_KEY: np.sort(pool),
        keys.SUPPORT_FOLD_KEY: task.support.folds,
        keys.KNOWN_USER_KEY: [users[user_id] for user_id in task.known_users],
        keys.KNOWN_ITEM_KEY: pool[np.array(task.known_items, int)],
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
        ints[user_key] = [users[user_id] for user_id in clicks.users]
        ints[item_key] = pool[np.asarray(clicks.items)]
        ints[negative_key] = pool[np.asarray(clicks.negatives)]
    return encode_example(ints=ints, texts={schema.TASK_ID_KEY: task.scenario_id})
