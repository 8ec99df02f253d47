"""Entities to the rows of an entity table, their features encoded."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from transforms import schema
from transforms.entities.entities import Entity
from transforms.entities.feature_values import FeatureValue
from transforms.entities.vocabularies import (
    build_vocabulary,
    id_order,
    vocabulary_rows,
)
from transforms.schema import Feature
from transforms.specs import EntitySpec, FeatureSpec
from transforms.writing.entity_files import encode_entity


@dataclasses.dataclass
class EntityTable:
    """The users or the items of a data set.

    Attributes:
        spec: What is known of them.
        entities: In row order: row 1 is the first.
        features: How each feature is encoded.
        vocabularies: Known values of each feature that is not numeric.
        num_training: Pairs that are learnt from by id, where there are any.
    """

    spec: EntitySpec
    entities: list[Entity]
    features: tuple[Feature, ...]
    vocabularies: dict[str, list[str]]
    num_training: Mapping[str, int]

    def ids(self) -> list[str]:
        """Returns the ids, in row order."""
        return [entity.entity_id for entity in self.entities]

    def records(self) -> Iterator[bytes]:
        """Yields the record of each entity, in row order."""
        encoders = {
            name: vocabulary_rows(values) for name, values in self.vocabularies.items()
        }
        for row, entity in enumerate(self.entities, start=1):
            ints, floats = {}, {}
            for feature, value in zip(self.features, entity.values, strict=True):
                if feature.kind == "numeric":
                    floats[feature.name] = [encode_number(value, feature)]
                else:
                    codes = encode_values(value, encoders[feature.name], feature)
                    ints[feature.name] = codes
            entity_id = entity.entity_id
            count = self.num_training.get(entity_id, 0)
            yield encode_entity(row, entity_id, count, ints=ints, floats=floats)


def build_entity_table(
    spec: EntitySpec,
    known: Mapping[str, Entity],
    ids_in_episodes: Iterable[str],
    num_training: Mapping[str, int],
) -> EntityTable:
    """Gives each entity a row and each feature a vocabulary.

    Args:
        spec: The features.
        known: Entity by id, from the entity table.
        ids_in_episodes: Ids in tasks. One that is not in `known` has no known feature.
        num_training: Pairs that are learnt from by id. The ids with any make the
            vocabularies, means and deviations.

    Returns:
        The table, of the ids in `known` and in the episodes.
    """
    ids = sorted({*known, *ids_in_episodes}, key=id_order)
    entities = [known.get(entity_id) or _unknown(entity_id, spec) for entity_id in ids]
    trained = [e.values for e in entities if num_training.get(e.entity_id, 0) > 0]
    features = []
    vocabularies = {}
    for position, feature in enumerate(spec.features):
        column = [values[position] for values in trained]
        if feature.kind == "numeric":
            features.append(_numeric(feature, column))
            continue
        vocabulary = build_vocabulary(map(_texts, column), feature.min_count)
        vocabularies[feature.name] = vocabulary
        features.append(
            Feature(
                feature.name,
                feature.kind,
                vocabulary_size=len(vocabulary),
                max_values=feature.max_values if feature.kind == "multi" else 1,
            )
        )
    return EntityTable(spec, entities, tuple(features), vocabularies, num_training)


def encode_values(
    value: FeatureValue, rows: Mapping[str, int], feature: Feature
) -> list[int]:
    """Returns the integers of a feature's texts.

    Args:
        value: The texts.
        rows: Integer by known text.
        feature: The feature.

    Returns:
        The known ones if it is "multi", perhaps none; else exactly one, 0 if unknown.
    """
    codes = [rows[text] for text in _texts(value) if text in rows]
    return codes if feature.kind == "multi" else codes or [schema.UNKNOWN]


def encode_number(value: FeatureValue, feature: Feature) -> float:
    """Returns a number in its raw unit; an unknown one is the mean."""
    return value if isinstance(value, float) else feature.mean


def _numeric(spec: FeatureSpec, column: Sequence[FeatureValue]) -> Feature:
    numbers = [value for value in column if isinstance(value, float)]
    if not numbers:
        return Feature(spec.name, "numeric")
    return Feature(
        spec.name,
        "numeric",
        mean=statistics.fmean(numbers),
        std=statistics.pstdev(numbers) or 1.0,
    )


def _unknown(entity_id: str, spec: EntitySpec) -> Entity:
    values: list[Any] = [None if f.kind == "numeric" else () for f in spec.features]
    return Entity(entity_id, "", tuple(values))


def _texts(value: FeatureValue) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
