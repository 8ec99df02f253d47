"""Users and items on disk: entity tables, vocabularies and names, line by row."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.reading.coded_column import Ints
from transforms.schema import (
    ENTITIES_DIR,
    ENTITY_COUNT_KEY,
    ENTITY_ID_KEY,
    ENTITY_ROW_KEY,
    ITEM_ID,
    NAMES_DIR,
    USER_ID,
    VOCABULARY_DIR,
)
from transforms.writing.output_files import OutputFiles
from transforms.writing.tfrecord import encode_example, tfrecord_parts


@dataclasses.dataclass(frozen=True)
class IdRows:
    """The rows of one entity table, by id.

    Attributes:
        ids: The ids in the order of their rows, a pyarrow array of texts.
    """

    ids: pa.Array

    @classmethod
    def read(cls, files: OutputFiles, name: str) -> IdRows:
        """Reads them from a vocabulary of ids."""
        lines = np.frombuffer(files.read(_vocabulary_file(name)), np.uint8)
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

    def by_id(self) -> dict[str, int]:
        """Returns the row of every id."""
        return {one: row for row, one in enumerate(self.ids.to_pylist(), start=1)}


class EntityRows(NamedTuple):
    """Rows of the entity tables; row 1 is the first.

    Attributes:
        users: Row of each user by id.
        items: Row of each item by id.
    """

    users: IdRows
    items: IdRows

    @classmethod
    def read(cls, files: OutputFiles) -> EntityRows:
        """Reads them from the vocabularies of ids, which must be written."""
        return cls(*(IdRows.read(files, name) for name in (USER_ID, ITEM_ID)))


def encode_entity(
    row: int,
    entity_id: str,
    num_training: int,
    *,
    ints: Mapping[str, Sequence[int]] | None = None,
    floats: Mapping[str, Sequence[float]] | None = None,
) -> bytes:
    """Returns the record of one user or item.

    Args:
        row: Its row, from 1.
        entity_id: Its id.
        num_training: Pairs that are learnt from, or known clicks, that it occurs in.
        ints: Features that are integers of a vocabulary.
        floats: Features that are numbers.
    """
    keys = {ENTITY_ROW_KEY: [row], ENTITY_COUNT_KEY: [num_training]}
    return encode_example(
        ints={**keys, **(ints or {})},
        floats=floats,
        texts={ENTITY_ID_KEY: entity_id},
    )


def write_entities(files: OutputFiles, kind: str, records: Iterable[bytes]) -> None:
    """Writes the records of the users or the items.

    Args:
        files: The output directory.
        kind: "user" or "item".
        records: In row order.
    """
    name = f"{ENTITIES_DIR}/{kind}-00000-of-00001.tfrecord"
    files.write(name, tfrecord_parts(records))


def write_vocabulary(files: OutputFiles, name: str, values: Iterable[str]) -> None:
    """Writes a vocabulary, one value a line."""
    files.write(_vocabulary_file(name), _lines(values))


def write_names(files: OutputFiles, kind: str, names: Iterable[str]) -> None:
    """Writes names for people to read: line n is the name of row n."""
    files.write(f"{NAMES_DIR}/{kind}.txt", _lines(names))


def _vocabulary_file(name: str) -> str:
    return f"{VOCABULARY_DIR}/{name}.txt"


def _lines(texts: Iterable[str]) -> Iterator[bytes]:
    return (f"{text}\n".encode() for text in texts)
