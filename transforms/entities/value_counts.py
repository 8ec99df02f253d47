"""How often values of features occur: counted in parts, which add up."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Self

from transforms.entities.feature_values import FeatureValue


@dataclasses.dataclass
class ValueCounts:
    """Counts of one feature of entities, or of the labels of tasks.

    Attributes:
        sizes: Entities or tasks by number of values.
        values: Occurrences by value, texts or numbers.
    """

    sizes: Counter[int] = dataclasses.field(default_factory=Counter)
    values: Counter[Any] = dataclasses.field(default_factory=Counter)

    def merge(self, other: Self) -> None:
        """Adds the counts of other entities."""
        self.sizes.update(other.sizes)
        self.values.update(other.values)


@dataclasses.dataclass
class EntityValues:
    """Counts of all features of users or of items.

    Attributes:
        learnt: By feature, of the entities that are learnt from.
        by_part: By split, then by feature, of the entities in tasks of the split.
    """

    learnt: list[ValueCounts]
    by_part: list[list[ValueCounts]]

    def merge(self, other: Self) -> None:
        """Adds the counts of other entities."""
        for ours, theirs in zip(
            (self.learnt, *self.by_part), (other.learnt, *other.by_part), strict=True
        ):
            for one, another in zip(ours, theirs, strict=True):
                one.merge(another)


def count_by_feature(
    entities: Sequence[Sequence[FeatureValue]], num_features: int
) -> list[ValueCounts]:
    """Counts the values of each feature, given all of each entity."""
    columns = ([row[place] for row in entities] for place in range(num_features))
    return [_count(column) for column in columns]


def _count(column: Iterable[FeatureValue]) -> ValueCounts:
    counts = ValueCounts()
    for value in column:
        values = (value,) if isinstance(value, float) else value or ()
        counts.sizes[len(values)] += 1
        counts.values.update(values)
    return counts
