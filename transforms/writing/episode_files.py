"""Records of tasks on disk, a file for each shard and split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.schema import EPISODES_DIR, SPLITS
from transforms.writing.entity_files import EntityRows
from transforms.writing.output_files import OutputFiles
from transforms.writing.tfrecord import compressed_tfrecord

_WRITTEN = Metrics.counter("cmml", "episodes_written")


# Gives split and record of each task, given the shard and its tasks.
EncodeTasks = Callable[[int, Any, EntityRows], Iterable[tuple[str, bytes]]]


class WriteEpisodes(beam.DoFn):
    """Writes the episode files of one shard.

    Input: (shard, tasks). The users and items must be written.
    Output: the number of tasks written.

    Args:
        files: The output directory.
        num_shards: Shards in all.
        encode: Encodes the tasks of a shard.
        splits: What there is a file of.
    """

    def __init__(
        self,
        files: OutputFiles,
        num_shards: int,
        encode: EncodeTasks,
        splits: Sequence[str] = SPLITS,
    ) -> None:
        super().__init__()
        self._files = files
        self._num_shards = num_shards
        self._encode = encode
        self._splits = splits
        self._rows = EntityRows(files)

    def process(self, group: tuple[int, Any]) -> Iterator[int]:
        """Writes the files."""
        shard, tasks = group
        records = list(self._encode(shard, tasks, self._rows))
        write_episodes(self._files, shard, self._num_shards, records, self._splits)
        _WRITTEN.inc(len(records))
        yield len(records)


def write_episodes(
    files: OutputFiles,
    shard: int,
    num_shards: int,
    records: Sequence[tuple[str, bytes]],
    splits: Sequence[str] = SPLITS,
) -> None:
    """Writes the episode files of one shard, one for each split, even if empty.

    Args:
        files: The output directory.
        shard: Number of the shard.
        num_shards: Shards in all, which stands in the file names.
        records: Split and record of each task, in order.
        splits: What there is a file of.
    """
    for split in splits:
        name = shard_file(EPISODES_DIR, split, shard, num_shards)
        write_records(files, name, (record for one, record in records if one == split))


def write_records(files: OutputFiles, name: str, records: Iterable[bytes]) -> None:
    """Writes one compressed file of records."""
    files.write(name, compressed_tfrecord(records))


def shard_file(directory: str, prefix: str, shard: int, num_shards: int) -> str:
    """Returns the name of the file of a shard in the output directory."""
    number = f"{shard:05d}-of-{num_shards:05d}"
    return f"{directory}/{prefix}-{number}.tfrecord.gz"
