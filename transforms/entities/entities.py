"""Rows of the user and item tables to entities, one for each id."""

from __future__ import annotations

import array
import dataclasses
import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from transforms.reading.blocks import Block
from transforms.reading.parse_rows import ParseRows
from transforms.reading.rejected_row import RejectedRow
from transforms.reading.row_error import (
    CONFLICTING_ENTITY,
    MALFORMED,
    MISSING_FIELD,
    RowError,
)
from transforms.reading.values import as_number, as_text
from transforms.schema import EntitySpec, FeatureSpec

# A larger number, or its square in a deviation, does not fit the records or a float.
_MAX_NUMBER = 1e30

# Values of one feature before encoding: texts, or a number.
FeatureValue = tuple[str, ...] | float | None


class Entity(NamedTuple):
    """What a table says of one user or item.

    Attributes:
        entity_id: Its id.
        name: Its name for people, empty if there is none.
        values: Value of each feature, in the order of the specification. Nothing
            known is the empty tuple, or None for a number.
    """

    entity_id: str
    name: str
    values: tuple[FeatureValue, ...]


@dataclasses.dataclass
class EntityBlock:
    """The entities of one block of a table.

    Attributes:
        source: The file.
        source_index: Position of the file among those of its table.
        first_line: First line of the block.
        entities: The different entities of the block in the order they appear. An id
            is there twice if its rows disagree.
        lines: Lines of the rows of each of them.
    """

    source: str
    source_index: int
    first_line: int
    entities: list[Entity] = dataclasses.field(default_factory=list)
    lines: list[array.array[int]] = dataclasses.field(default_factory=list)


class EntityParser:
    """Reads the different entities of one block.

    A table may repeat an entity in thousands of rows: equal rows are parsed once.

    Args:
        spec: Id, name and features.
        block: The block.
    """

    def __init__(self, spec: EntitySpec, block: Block) -> None:
        self._spec = spec
        self._block = block
        # By the text of a row, since 1, 1.0 and True are equal but not the same id.
        self._lines_by_row: dict[str, array.array[int]] = {}
        self._lines_by_entity: dict[Entity, array.array[int]] = {}

    def add(self, line: int, fields: tuple[Any, ...]) -> None:
        """Reads one row; raises `RowError` if it is no entity."""
        text = repr(fields)
        lines = self._lines_by_row.get(text)
        if lines is None:
            entity = parse_entity(fields, self._spec)
            lines = self._lines_by_entity.setdefault(entity, array.array("q"))
            self._lines_by_row[text] = lines
        lines.append(line)

    def parsed(self) -> Iterable[EntityBlock]:
        """Returns one `EntityBlock`."""
        block, lines = self._block, self._lines_by_entity
        place = (block.source, block.source_index, block.first_line)
        return [EntityBlock(*place, list(lines), list(lines.values()))]


def parse_entities(kind: str, spec: EntitySpec) -> ParseRows:
    """Returns the stage that turns `Block`s into `EntityBlock`s.

    Args:
        kind: What the table is read as, such as "users", which refused rows say.
        spec: Id, name and features. Its table must be given.
    """
    assert spec.table is not None
    new_parser = functools.partial(EntityParser, spec)
    return ParseRows(kind, spec.table, entity_columns(spec), new_parser)


def entity_columns(spec: EntitySpec) -> tuple[str, ...]:
    """Returns the columns of an entity: id, name if there is one, features."""
    name = () if spec.name_column is None else (spec.name_column,)
    return (
        spec.id_column,
        *name,
        *(feature.source_column for feature in spec.features),
    )


def parse_entity(values: Sequence[Any], spec: EntitySpec) -> Entity:
    """Reads one entity.

    Args:
        values: Fields of `entity_columns`, as they are in the table.
        spec: Id, name and features.

    Returns:
        The entity. Features that are empty, and numbers that are none or beyond 1e30,
        are unknown.

    Raises:
        RowError: If the id is empty, or a value cannot be a line of a vocabulary.
    """
    entity_id, *others = values
    text = as_text(entity_id)
    if text is None:
        raise RowError(MISSING_FIELD, f"{spec.id_column} is empty")
    name = "" if spec.name_column is None else _one_line(others.pop(0))
    features = zip(others, spec.features, strict=True)
    return Entity(text, name, tuple(parse_feature(*feature) for feature in features))


def parse_feature(value: Any, spec: FeatureSpec) -> FeatureValue:
    r"""Reads the value of one feature.

    Args:
        value: The field. Several values are a list, or a text with separators.
        spec: The feature.

    Returns:
        A number or None if the feature is numeric, else the texts: at most one if it
        is categorical, at most `max_values` different ones if it is "multi".

    Raises:
        RowError: If a value cannot be a line of a vocabulary.
    """
    if spec.kind == "numeric":
        return _number(value)
    if spec.kind == "categorical":
        parts: Iterable[Any] = (value,)
    elif isinstance(value, list | tuple):
        parts = value
    else:
        parts = (as_text(value) or "").split(spec.separator)
    texts = filter(None, (_clean(part, spec.drop_pattern) for part in parts))
    limit = 1 if spec.kind == "categorical" else spec.max_values
    return tuple(dict.fromkeys(texts))[:limit]


def merge_entities(
    kind: str, blocks: Iterable[EntityBlock], columns: Sequence[str]
) -> tuple[dict[str, Entity], list[RejectedRow]]:
    """Takes the first row of each id; later rows must say the same.

    Args:
        kind: "users" or "items", which refused rows say.
        blocks: All blocks of the table, in any order.
        columns: Names of id, name and features in the refused rows.

    Returns:
        Entity by id, and the rows that disagree with the first one of their id.
    """
    entities: dict[str, Entity] = {}
    rejected = []
    for block in sorted(blocks, key=_place):
        for entity, lines in zip(block.entities, block.lines, strict=True):
            first = entities.setdefault(entity.entity_id, entity)
            if first == entity:
                continue
            row = dict(zip(columns, _fields(entity, columns), strict=True))
            detail = f"an earlier row of {entity.entity_id!r} says otherwise"
            rejected += [
                RejectedRow(kind, block.source, line, CONFLICTING_ENTITY, detail, row)
                for line in lines
            ]
    return entities, rejected


def _one_line(value: Any) -> str:
    try:
        return as_text(value) or ""
    except RowError as error:
        if error.reason != MALFORMED:
            raise
    return " ".join(str(value).split())


def _number(value: Any) -> float | None:
    try:
        number = as_number(value)
    except RowError:
        return None
    return None if number is None or abs(number) > _MAX_NUMBER else number


def _clean(value: Any, drop_pattern: str | None) -> str | None:
    text = as_text(value)
    if text is None or drop_pattern is None:
        return text
    return _compiled(drop_pattern).sub("", text).strip()


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _fields(entity: Entity, columns: Sequence[str]) -> tuple[object, ...]:
    head = len(columns) - len(entity.values)
    return (entity.entity_id, entity.name)[:head] + entity.values


def _place(block: EntityBlock) -> tuple[int, int]:
    return block.source_index, block.first_line
