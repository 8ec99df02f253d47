"""Features of users or items: their vocabularies, and how each entity is encoded."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms import schema
from transforms.entities.feature_values import FeatureValue
from transforms.entities.value_counts import EntityValues, ValueCounts
from transforms.entities.vocabularies import frequent_values, vocabulary_rows
from transforms.schema import Feature
from transforms.specs import FeatureSpec
from transforms.writing.tfrecord import PackedInts

# Times the distance of the quartiles that a number may lie beyond them: wide enough for
# prices and counts, a few of which are a hundred times the others. One in three million
# log-normal numbers of shape 1 lies further.
_MAX_DISTANCES = 100.0


@dataclasses.dataclass
class EntityTable:
    """The users or the items of a data set, all but themselves.

    Attributes:
        num_rows: How many there are.
        features: How each feature is encoded.
        vocabularies: Known values of each feature that is not numeric.
        values: How often values of features occur.
        has_names: Whether they have names for people.
    """

    num_rows: int
    features: tuple[Feature, ...]
    vocabularies: dict[str, list[str]]
    values: EntityValues
    has_names: bool

    def __len__(self) -> int:
        return self.num_rows

    @functools.cached_property
    def _rows(self) -> dict[str, dict[str, int]]:
        """The integer of each known value, by feature."""
        return {name: vocabulary_rows(v) for name, v in self.vocabularies.items()}

    def encode(self, rows: pa.Table) -> dict[str, list[bytes]]:
        """Returns the bytes of the values of each entity of a run, by feature."""
        return {
            f.name: self._encode(f, rows[f.name].to_pylist()) for f in self.features
        }

    def _encode(self, feature: Feature, values: Sequence[FeatureValue]) -> list[bytes]:
        if feature.kind == "numeric":
            numbers = [encode_number(value, feature) for value in values]
            data = np.array(numbers, "<f4").tobytes()
            return [data[place : place + 4] for place in range(0, len(data), 4)]
        known = self._rows[feature.name]
        codes = [encode_values(value, known, feature) for value in values]
        ends = np.cumsum([len(of_one) for of_one in codes], dtype=np.int64)
        starts = np.append(0, ends)[:-1]
        flat = np.fromiter(itertools.chain.from_iterable(codes), np.int64)
        return PackedInts(flat).bytes_of(starts, ends)


def build_entity_table(
    specs: Sequence[FeatureSpec],
    num_rows: int,
    values: EntityValues,
    *,
    has_names: bool = False,
) -> EntityTable:
    """Gives each feature a vocabulary, or a mean and a deviation.

    Args:
        specs: The features.
        num_rows: Users or items.
        values: How often values of features occur; those of entities that are learnt
            from make the vocabularies, means and deviations.
        has_names: Whether they have names for people.
    """
    features = []
    vocabularies = {}
    for feature, counts in zip(specs, values.learnt, strict=True):
        if feature.kind == "numeric":
            features.append(_numeric(feature, counts))
            continue
        vocabulary = frequent_values(counts.values, feature.min_count)
        vocabularies[feature.name] = vocabulary
        features.append(
            Feature(
                feature.name,
                feature.kind,
                vocabulary_size=len(vocabulary),
                max_values=feature.max_values if feature.kind == "multi" else 1,
            )
        )
    return EntityTable(num_rows, tuple(features), vocabularies, values, has_names)


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
    texts = value if isinstance(value, Sequence) else ()
    codes = [rows[text] for text in texts if text in rows]
    return codes if feature.kind == "multi" else codes or [schema.UNKNOWN]


def encode_number(value: FeatureValue, feature: Feature) -> float:
    """Returns a number in its raw unit; an unknown one is the mean."""
    return value if isinstance(value, float) else feature.mean


def _numeric(spec: FeatureSpec, counts: ValueCounts) -> Feature:
    if not counts.values:
        return Feature(spec.name, "numeric")
    near, far = without_far(counts.values)
    mean = statistics.fmean(near.elements())
    return Feature(
        spec.name,
        "numeric",
        mean=mean,
        std=statistics.pstdev(near.elements()) or 1.0,
        low=min(near),
        high=max(near),
        num_far=far.total(),
        farthest=farthest(far, mean),
    )


def without_far(counts: Mapping[float, int]) -> tuple[Counter[float], Counter[float]]:
    """Parts numbers from those that lie far beyond the quartiles.

    The quartiles are numbers that occur, and exact, however the counts were added up.
    Where the middle half of the numbers is one number, none is far.

    Args:
        counts: Occurrences by number, at least one.

    Returns:
        The counts of the numbers that are not far, and of those that are.
    """
    numbers = sorted(counts)
    ends = np.cumsum([counts[number] for number in numbers])
    places = np.searchsorted(ends, [0.25 * ends[-1], 0.75 * ends[-1]])
    lower, upper = (numbers[place] for place in places)
    reach = _MAX_DISTANCES * (upper - lower) or np.inf
    near, far = Counter[float](), Counter[float]()
    for number, count in counts.items():
        is_near = lower - reach <= number <= upper + reach
        (near if is_near else far)[number] = count
    return near, far


def farthest(far: Mapping[float, int], mean: float) -> float | None:
    """Returns the number that lies farthest from a mean, None if there is none."""
    return max(far, key=lambda number: (abs(number - mean), number), default=None)
