"""Entities to the rows of an entity table, their features encoded."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms import schema
from transforms.entities.entities import Entity
from transforms.entities.entity_counts import (
    EntityCounts,
    merge_counts_of_entities,
    without_counts,
)
from transforms.entities.feature_values import FeatureValue
from transforms.entities.vocabularies import (
    build_vocabulary,
    order_of_ids,
    vocabulary_rows,
)
from transforms.reading.coded_column import Ints, texts_of
from transforms.schema import Feature
from transforms.specs import EntitySpec, FeatureSpec
from transforms.writing.entity_files import encode_entity


@dataclasses.dataclass
class EntityTable:
    """The users or the items of a data set.

    Attributes:
        known: Those that a table tells of, by id.
        counts: Of all of them, in row order: row 1 is the first.
        features: How each feature is encoded.
        vocabularies: Known values of each feature that is not numeric.
    """

    known: Mapping[str, Entity]
    counts: EntityCounts
    features: tuple[Feature, ...]
    vocabularies: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.counts)

    def ids(self) -> Iterator[str]:
        """Yields the ids, in row order."""
        return texts_of(self.counts.ids)

    def names(self) -> Iterator[str]:
        """Yields the name of each, in row order; empty if there is none."""
        for entity_id in self.ids():
            yield self.known[entity_id].name if entity_id in self.known else ""

    def values_in(self, part: int) -> list[tuple[FeatureValue, ...]]:
        """Returns the values of the features of those in tasks of a part."""
        return _values(self.known, self.counts, self.counts.are_in(part), self._nothing)

    def records(self) -> Iterator[bytes]:
        """Yields the record of each entity, in row order."""
        encoders = {
            name: vocabulary_rows(values) for name, values in self.vocabularies.items()
        }
        counts = self.counts.training.tolist()
        rows = enumerate(zip(self.ids(), counts, strict=True), start=1)
        for row, (entity_id, count) in rows:
            known = self.known.get(entity_id)
            values = self._nothing if known is None else known.values
            ints, floats = {}, {}
            for feature, value in zip(self.features, values, strict=True):
                if feature.kind == "numeric":
                    floats[feature.name] = [encode_number(value, feature)]
                else:
                    codes = encode_values(value, encoders[feature.name], feature)
                    ints[feature.name] = codes
            yield encode_entity(row, entity_id, count, ints=ints, floats=floats)

    @property
    def _nothing(self) -> tuple[FeatureValue, ...]:
        return tuple(None if f.kind == "numeric" else () for f in self.features)


def build_entity_table(
    spec: EntitySpec, known: Mapping[str, Entity], counts: EntityCounts
) -> EntityTable:
    """Gives each entity a row and each feature a vocabulary.

    Args:
        spec: The features.
        known: Entity by id, from the entity table.
        counts: Counts of the ids of all interactions. Those in tasks get a row, whether
            they are in `known` or not; those that are learnt from make the
            vocabularies, means and deviations.

    Returns:
        The table, of the ids in `known` and in the tasks.
    """
    of_known = without_counts(known)
    in_tasks = counts.take(np.flatnonzero(counts.parts))
    counts = merge_counts_of_entities([in_tasks, of_known])
    counts = counts.take(order_of_ids(counts.ids))
    nothing = tuple(None if f.kind == "numeric" else () for f in spec.features)
    trained = _values(known, counts, np.flatnonzero(counts.training), nothing)
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
    return EntityTable(known, counts, tuple(features), vocabularies)


def _values(
    known: Mapping[str, Entity],
    counts: EntityCounts,
    places: Ints,
    nothing: tuple[FeatureValue, ...],
) -> list[tuple[FeatureValue, ...]]:
    """Returns the values of the features of some entities, if there are features."""
    if not nothing:
        return []
    ids = counts.ids.take(pa.array(places)).to_pylist()
    return [known[one].values if one in known else nothing for one in ids]


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


def _texts(value: FeatureValue) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
