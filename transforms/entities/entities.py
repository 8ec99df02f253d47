"""Rows of the user and item tables to entities, one for each id."""

from __future__ import annotations

import array
import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.blocks import Block, rows_of
from transforms.reading.row_error import (
    CONFLICTING_ENTITY,
    MALFORMED,
    MISSING_FIELD,
    RowError,
)
from transforms.reading.text_rows import UnreadableRow
from transforms.reading.values import as_number, as_text
from transforms.schema import EntitySpec, FeatureSpec, TableSpec
from transforms.writing.rejected import REJECTED, RejectedRow, rejected_output

_ENTITY_ROWS_READ = Metrics.counter("cmml", "entity_rows_read")

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


class ParseEntities(beam.PTransform):
    """Turns blocks of rows into blocks of entities, and refused rows.

    Input: `Block`.
    Output: `EntityBlock`s under `entities`, `RejectedRow`s under `rejected`.

    Args:
        kind: "users" or "items", which refused rows say.
        spec: Id, name and features. Its table must be given.
    """

    def __init__(self, kind: str, spec: EntitySpec) -> None:
        super().__init__()
        self._parse = _ParseBlock(kind, spec)

    @no_beam_hints
    def expand(self, blocks: beam.PCollection) -> Any:
        """Parses every block."""
        return blocks | "ParseBlocks" >> beam.ParDo(self._parse).with_outputs(
            REJECTED, main="entities"
        )


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


class _ParseBlock(beam.DoFn):
    def __init__(self, kind: str, spec: EntitySpec) -> None:
        super().__init__()
        self._kind = kind
        self._spec = spec
        self._columns = entity_columns(spec)

    @no_beam_hints
    def process(self, block: Block) -> Iterator[Any]:
        assert isinstance(self._spec.table, TableSpec)
        # A table may repeat an entity in thousands of rows: each is read once.
        # The key is its text, since 1, 1.0 and True are equal but not the same id.
        known: dict[str, array.array[int]] = {}
        by_entity: dict[Entity, array.array[int]] = {}
        num_rows = 0
        for line, fields in rows_of(block, self._spec.table, self._columns):
            num_rows += 1
            key = repr(fields)
            if key in known:
                known[key].append(line)
                continue
            try:
                if isinstance(fields, UnreadableRow):
                    raise fields.error
                entity = parse_entity(fields, self._spec)
            except RowError as error:
                yield rejected_output(
                    self._kind, block, line, fields, self._columns, error
                )
                continue
            known[key] = by_entity.setdefault(entity, array.array("q"))
            known[key].append(line)
        _ENTITY_ROWS_READ.inc(num_rows)
        yield EntityBlock(
            block.source,
            block.source_index,
            block.first_line,
            list(by_entity),
            list(by_entity.values()),
        )


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
