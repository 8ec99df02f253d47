"""Users and items on disk: entity tables, vocabularies and names, line by row."""

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.reading.coded_column import Ints
from transforms.schema import ITEM_ID, NAMES_DIR, USER_ID, VOCABULARY_DIR
from transforms.writing.output_files import STAGE_DIR, OutputFiles

USER, ITEM = KINDS = "user", "item"

SHARD_TYPE = np.dtype("<u4")  # Of each user the shard that wants it, from 1, or 0.

_BLOCK_BYTES = 1 << 22


@dataclasses.dataclass(frozen=True)
class IdRows:
    """The rows of one entity table, by id.

    Attributes:
        ids: The ids in the order of their rows, a pyarrow array of texts.
    """

    ids: pa.Array

    @classmethod
    def read(cls, files: OutputFiles, name: str) -> Self:
        """Reads them from a vocabulary of ids."""
        lines = np.frombuffer(files.read(vocabulary_file(name)), np.uint8)
        ends = np.flatnonzero(lines == ord("\n"))
        # Without line ends each text ends where the next one starts.
        offsets = np.concatenate([[0], ends - np.arange(len(ends))]).astype(np.int32)
        texts = np.delete(lines, ends)
        buffers = pa.py_buffer(offsets), pa.py_buffer(texts)
        return cls(pa.StringArray.from_buffers(len(ends), *buffers))

    def of(self, ids: pa.Array) -> Ints:
        """Returns the row of each of some ids, from 1.

        Raises:
            KeyError: If one has none.
        """
        places = pc.index_in(ids, self.ids)
        if places.null_count:
            raise KeyError(ids.filter(places.is_null())[0].as_py())
        return places.to_numpy().astype(np.int64) + 1


class EntityRows:
    """Rows of the entity tables; row 1 is the first. All of it must be written.

    Args:
        files: The output directory.
    """

    def __init__(self, files: OutputFiles) -> None:
        self._files = files

    @functools.cached_property
    def users(self) -> IdRows:
        """Rows of all users by id."""
        return IdRows.read(self._files, USER_ID)

    @functools.cached_property
    def items(self) -> IdRows:
        """Rows of all items by id."""
        return IdRows.read(self._files, ITEM_ID)

    def of_shard(self, shard: int) -> Ints:
        """Returns the rows of the users that a shard of users wants, ascending."""
        places = [np.zeros(0, np.int64)]
        start = 0
        with self._files.open(shards_file(USER)) as file:
            while block := file.read(_BLOCK_BYTES):
                shards = np.frombuffer(block, SHARD_TYPE)
                places.append(start + np.flatnonzero(shards == shard + 1))
                start += len(shards)
        return np.concatenate(places) + 1


def write_vocabulary(files: OutputFiles, name: str, values: Iterable[str]) -> None:
    """Writes a vocabulary, one value a line."""
    files.write(vocabulary_file(name), lines_of(values))


def write_names(files: OutputFiles, kind: str, names: Iterable[str]) -> None:
    """Writes names for people to read: line n is the name of row n."""
    files.write(names_file(kind), lines_of(names))


def vocabulary_file(name: str) -> str:
    """Returns the name of the file of a vocabulary."""
    return f"{VOCABULARY_DIR}/{name}.txt"


def names_file(kind: str) -> str:
    """Returns the name of the file of names."""
    return f"{NAMES_DIR}/{kind}.txt"


def shards_file(kind: str) -> str:
    """Returns the name of the file that says who wants which row, in the stage."""
    return f"{STAGE_DIR}/shards/{kind}"


def lines_of(texts: Iterable[str]) -> Iterator[bytes]:
    """Yields texts as lines."""
    return (f"{text}\n".encode() for text in texts)
