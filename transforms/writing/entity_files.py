"""Users and items on disk: entity tables, vocabularies and names, line by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

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
from transforms.writing.tfrecord import encode_example, tfrecord_file


class EntityRows(NamedTuple):
    """Rows of the entity tables; row 1 is the first.

    Attributes:
        users: Row of each user by id.
        items: Row of each item by id.
    """

    users: Mapping[str, int]
    items: Mapping[str, int]

    @classmethod
    def read(cls, files: OutputFiles) -> EntityRows:
        """Reads them from the vocabularies of ids, which must be written."""
        return cls(*(_rows(files, name) for name in (USER_ID, ITEM_ID)))


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
    files.write(name, tfrecord_file(records))


def write_vocabulary(files: OutputFiles, name: str, values: Iterable[str]) -> None:
    """Writes a vocabulary, one value a line."""
    files.write(_vocabulary_file(name), _lines(values))


def write_names(files: OutputFiles, kind: str, names: Iterable[str]) -> None:
    """Writes names for people to read: line n is the name of row n."""
    files.write(f"{NAMES_DIR}/{kind}.txt", _lines(names))


def _rows(files: OutputFiles, name: str) -> dict[str, int]:
    texts = files.read(_vocabulary_file(name)).decode().split("\n")[:-1]
    return {text: row for row, text in enumerate(texts, start=1)}


def _vocabulary_file(name: str) -> str:
    return f"{VOCABULARY_DIR}/{name}.txt"


def _lines(texts: Iterable[str]) -> bytes:
    return "".join(text + "\n" for text in texts).encode()
