"""Rows of the user and item tables to entities, one for each id."""

from __future__ import annotations

import array
import dataclasses
import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from transforms.entities.feature_values import FeatureFaults, FeatureValue, flagged
from transforms.reading.blocks import Block
from transforms.reading.parse_rows import ParseRows
from transforms.reading.rejected_row import RejectedRow
from transforms.reading.row_error import CONFLICTING_ENTITY
from transforms.reading.values import as_id
from transforms.row_counts import RowCounts
from transforms.specs import EntitySpec


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
        table: What the table is read as, which refused rows say.
        source: The file.
        source_index: Position of the file among those of its table.
        first_line: First line of the block.
        entities: The different entities of the block in the order they appear. An id
            is there twice if its rows disagree.
        lines: Lines of the rows of each of them.
    """

    table: str
    source: str
    source_index: int
    first_line: int
    entities: list[Entity] = dataclasses.field(default_factory=list)
    lines: list[array.array[int]] = dataclasses.field(default_factory=list)

    def take(self, places: Iterable[int]) -> EntityBlock:
        """Returns some of the entities, in their order."""
        pairs = [(self.entities[place], self.lines[place]) for place in places]
        entities, lines = [one for one, _ in pairs], [one for _, one in pairs]
        return dataclasses.replace(self, entities=entities, lines=lines)


class EntityParser:
    """Reads the different entities of one block.

    A table may repeat an entity in thousands of rows: equal rows are parsed once.

    Args:
        kind: What the table is read as, such as "users".
        spec: Id, name and features.
        block: The block.
        normalize: Whether ids that differ in form only are one.
    """

    def __init__(
        self, kind: str, spec: EntitySpec, block: Block, *, normalize: bool = False
    ) -> None:
        self.counts = RowCounts()
        self._kind = kind
        self._spec = spec
        self._normalize = normalize
        self._block = block
        # By the text of a row, since 1, 1.0 and True are equal but not the same id.
        self._lines_by_row: dict[str, array.array[int]] = {}
        self._faults_by_row: dict[str, FeatureFaults] = {}
        self._num_rows: Counter[str] = Counter()
        self._lines_by_entity: dict[Entity, array.array[int]] = {}

    def add(self, line: int, fields: tuple[Any, ...]) -> None:
        """Reads one row; raises `RowError` if it is no entity."""
        text = repr(fields)
        lines = self._lines_by_row.get(text)
        if lines is None:
            plain, faults = parse_entity(fields, self._spec)
            entity = plain
            if self._normalize:
                entity, faults = parse_entity(fields, self._spec, normalize=True)
                faults.has_other_form = entity.entity_id != plain.entity_id
            lines = self._lines_by_entity.setdefault(entity, array.array("q"))
            self._lines_by_row[text] = lines
            self._faults_by_row[text] = faults
        lines.append(line)
        self._num_rows[text] += 1

    def parsed(self) -> Iterable[EntityBlock]:
        """Returns one `EntityBlock`, after which features are counted."""
        for text, faults in self._faults_by_row.items():
            faults.count(self.counts, self._num_rows[text])
            if faults.has_other_form:
                self.counts.normalized[self._spec.id_column] += self._num_rows[text]
        block, lines = self._block, self._lines_by_entity
        place = (self._kind, block.source, block.source_index, block.first_line)
        return [EntityBlock(*place, list(lines), list(lines.values()))]


def parse_entities(
    kind: str, spec: EntitySpec, *, normalize: bool = False
) -> ParseRows:
    """Returns the stage that turns `Block`s into `EntityBlock`s.

    Args:
        kind: What the table is read as, such as "users", which refused rows say.
        spec: Id, name and features. Its table must be given.
        normalize: Whether ids that differ in form only are one.
    """
    assert spec.table is not None
    new_parser = functools.partial(EntityParser, kind, spec, normalize=normalize)
    return ParseRows(kind, spec.table, entity_columns(spec), new_parser)


def entity_columns(spec: EntitySpec) -> tuple[str, ...]:
    """Returns the columns of an entity: id, name if there is one, features."""
    name = () if spec.name_column is None else (spec.name_column,)
    return (
        spec.id_column,
        *name,
        *(column for feature in spec.features for column in feature.source_columns),
    )


def parse_entity(
    values: Sequence[Any], spec: EntitySpec, *, normalize: bool = False
) -> tuple[Entity, FeatureFaults]:
    """Reads one entity.

    Args:
        values: Fields of `entity_columns`, as they are in the table.
        spec: Id, name and features.
        normalize: Whether ids that differ in form only are one.

    Returns:
        The entity, and which of its features could not be read, or not wholly. Features
        that are empty or unreadable are unknown.

    Raises:
        RowError: If the id is empty or cannot be one.
    """
    raw_id, *others = values
    entity_id = as_id(raw_id, spec.id_column, normalize=normalize)
    faults = FeatureFaults()
    name = "" if spec.name_column is None else faults.name(others.pop(0), spec)
    fields = iter(others)
    features = []
    for feature in spec.features:
        values_of = list(itertools.islice(fields, len(feature.source_columns)))
        value = flagged(values_of, feature) if feature.flags else values_of[0]
        features.append(faults.feature(value, feature))
    return Entity(entity_id, name, tuple(features)), faults


def merge_entities(
    blocks: Iterable[EntityBlock], spec: EntitySpec
) -> tuple[dict[str, Entity], list[RejectedRow], RowCounts]:
    """Takes the first row of each id; later rows must say the same.

    Args:
        blocks: All blocks of the table, in any order.
        spec: Id, name and features.

    Returns:
        Entity by id, the rows that disagree with the first one of their id, and how
        many rows agree.
    """
    entities: dict[str, Entity] = {}
    rejected: list[RejectedRow] = []
    counts = RowCounts()
    for block in sorted(blocks, key=lambda one: (one.source_index, one.first_line)):
        for entity, lines in zip(block.entities, block.lines, strict=True):
            first = entities.setdefault(entity.entity_id, entity)
            if first == entity:
                counts.used += len(lines)
                continue
            row = _fields(entity, spec)
            detail = f"an earlier row of {entity.entity_id!r} says otherwise"
            rejected += [
                RejectedRow(
                    block.table, block.source, line, CONFLICTING_ENTITY, detail, row
                )
                for line in lines
            ]
    counts.refused[CONFLICTING_ENTITY] = len(rejected)
    return entities, rejected, counts


def _fields(entity: Entity, spec: EntitySpec) -> dict[str, object]:
    """Returns id, name and features by column, of a refused row."""
    name = {} if spec.name_column is None else {spec.name_column: entity.name}
    features = zip(spec.features, entity.values, strict=True)
    return {
        spec.id_column: entity.entity_id,
        **name,
        **{"|".join(f.source_columns): value for f, value in features},
    }
