"""Tasks to episode records on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import apache_beam as beam

from transforms import schema
from transforms.ratings.episodes import Task, TaskShard
from transforms.reading.beam_hints import no_beam_hints
from transforms.writing.output_files import OutputFiles
from transforms.writing.tfrecord import encode_example, tfrecord_file


class EntityRows(NamedTuple):
    """Rows of the entity tables.

    Attributes:
        users: Row of each user by id.
        items: Row of each item by id.
    """

    users: Mapping[str, int]
    items: Mapping[str, int]


class WriteEpisodes(beam.DoFn):
    """Writes the episode files of one shard, one for each split, even if empty.

    Input: `TaskShard`, and the `EntityRows` as a side input.
    Output: the number of tasks written.

    Args:
        files: The output directory.
        num_shards: Shards in all, which stands in the file names.
    """

    def __init__(self, files: OutputFiles, num_shards: int) -> None:
        super().__init__()
        self._files = files
        self._num_shards = num_shards

    @no_beam_hints
    def process(self, shard: TaskShard, rows: EntityRows) -> Iterator[int]:
        """Writes the files."""
        for split in schema.SPLITS:
            tasks = [task for task in shard.tasks if task.split == split]
            name = episode_file(split, shard.shard, self._num_shards)
            records = (encode_episode(task, rows) for task in tasks)
            self._files.write(name, tfrecord_file(records, compress=True))
        yield len(shard.tasks)


def episode_file(split: str, shard: int, num_shards: int) -> str:
    """Returns the name of an episode file in the output directory."""
    number = f"{shard:05d}-of-{num_shards:05d}"
    return f"{schema.EPISODES_DIR}/{split}-{number}.tfrecord.gz"


def encode_episode(task: Task, rows: EntityRows) -> bytes:
    """Returns the record of one task, its ids as rows of the entity tables."""
    return encode_example(
        ints={
            schema.USER_KEY: [rows.users[task.task_id]],
            schema.SUPPORT_ITEM_KEY: [rows.items[i] for i in task.support.items],
            schema.QUERY_ITEM_KEY: [rows.items[i] for i in task.query.items],
        },
        floats={
            schema.SUPPORT_LABEL_KEY: task.support.labels,
            schema.QUERY_LABEL_KEY: task.query.labels,
        },
        texts={schema.TASK_ID_KEY: task.task_id},
    )
