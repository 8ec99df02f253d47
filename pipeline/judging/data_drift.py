"""How far a prepared data set lies from the one that a model was trained on."""

from __future__ import annotations

import dataclasses
import math
import pathlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self, TypeAlias

import numpy as np
from google.protobuf import text_format
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from pipeline.experiment.config_section import DriftConfig
from pipeline.experiment.prepared import read_ids
from transforms.plural import counted, plural
from transforms.schema import SUCCESS, VOCABULARY_DIR, DataError
from transforms.writing.statistics import FINE_SIZES

_STATISTICS = "statistics.pbtxt"
_SUPPORT = "support/"

_Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
_Info: TypeAlias = anomalies_pb2.AnomalyInfo

_TINY = np.finfo(np.float64).tiny


@dataclasses.dataclass(frozen=True)
class Drift:
    """One comparison of a data set with the reference.

    Attributes:
        name: Feature or vocabulary.
        kind: What was compared: a type of anomaly of tensorflow-metadata.
        value: How far they differ; 0 is not at all.
        limit: Above it this is an anomaly.
        detail: Both sides, in words.
    """

    name: str
    kind: int
    value: float
    limit: float
    detail: str

    @property
    def is_anomaly(self) -> bool:
        """Whether they differ too much."""
        return self.value > self.limit


def compare_datasets(
    dataset_dir: pathlib.Path,
    reference_dir: pathlib.Path,
    limits: DriftConfig,
    may_lack: Collection[str] = (),
) -> list[Drift]:
    """Compares a data set with the one that a model was trained on.

    Args:
        dataset_dir: The new data set.
        reference_dir: The other one.
        limits: From where on a difference is an anomaly.
        may_lack: Features that tasks are without by design, whose missing share says
            nothing.

    Returns:
        Each vocabulary by the share of values that the reference lacks, then each
        feature by its missing share, its numbers, and the lengths of support sets.

    Raises:
        DataError: If one of them is missing or incomplete.
    """
    for directory in (dataset_dir, reference_dir):
        if not (directory / SUCCESS).is_file():
            raise DataError(
                f"a data set must be prepared and whole, and {directory} is not: run "
                "`cmml prepare`, or name another folder by --against or "
                "drift.reference."
            )
    new, reference = _features(dataset_dir), _features(reference_dir)
    return [
        *_unknown_values(dataset_dir, reference_dir, limits),
        *_missing(
            new,
            {name: one for name, one in reference.items() if name not in may_lack},
            limits.max_missing_increase,
        ),
        *_moved(new, reference, limits),
    ]


def anomalies_of(drifts: Iterable[Drift]) -> anomalies_pb2.Anomalies:
    """Returns what differs too much as TFDV writes it."""
    result = anomalies_pb2.Anomalies()
    for drift in drifts:
        if drift.is_anomaly:
            info = result.anomaly_info[drift.name]
            info.severity = _Info.ERROR
            text = f"{drift.value:.3g} is above {drift.limit:g}"
            info.reason.add(
                type=drift.kind, short_description=text, description=drift.detail
            )
            info.short_description = text
            info.description = "; ".join(reason.description for reason in info.reason)
    return result


def _features(directory: pathlib.Path) -> dict[str, list[_Feature]]:
    """Reads the statistics: of each feature those of every split."""
    text = (directory / _STATISTICS).read_text(encoding="utf-8")
    statistics = text_format.Parse(text, statistics_pb2.DatasetFeatureStatisticsList())
    result: dict[str, list[_Feature]] = {}
    for dataset in statistics.datasets:
        for feature in dataset.features:
            result.setdefault(feature.name, []).append(feature)
    return result


def _unknown_values(
    dataset_dir: pathlib.Path, reference_dir: pathlib.Path, limits: DriftConfig
) -> Iterator[Drift]:
    """Looks for ids and values of features that the reference has no row for."""
    for path in sorted((reference_dir / VOCABULARY_DIR).glob("*.txt")):
        if path.stem in (limits.may_be_new or ()):
            continue
        if not (dataset_dir / VOCABULARY_DIR / path.name).is_file():
            continue  # A feature that is missing, told as such.
        known = set(read_ids(reference_dir, path.stem))
        values = read_ids(dataset_dir, path.stem)[1:]
        unknown = sum(value not in known for value in values)
        yield Drift(
            path.stem,
            _Info.ENUM_TYPE_UNEXPECTED_STRING_VALUES,
            unknown / max(len(values), 1),
            limits.max_unknown_share,
            f"{unknown} of {counted(len(values), 'value')} "
            f"{plural(unknown, 'is', 'are')} unknown to the reference",
        )


def _missing(
    new: Mapping[str, list[_Feature]],
    reference: Mapping[str, list[_Feature]],
    limit: float,
) -> Iterator[Drift]:
    """Looks for features that are missing, or are so more often than before."""
    for name, features in reference.items():
        before, now = _missing_share(features), _missing_share(new.get(name, []))
        kind = _Info.FEATURE_TYPE_LOW_FRACTION_PRESENT
        detail = f"{now:.1%} are missing, in the reference {before:.1%}"
        value = now - before
        if name not in new:
            kind, value = _Info.SCHEMA_MISSING_COLUMN, float("inf")
            detail = "the feature is missing"
        yield Drift(name, kind, value, limit, detail)


def _missing_share(features: Iterable[_Feature]) -> float:
    both = [_common(feature) for feature in features]
    missing = sum(common.num_missing for common in both)
    total = missing + sum(common.num_non_missing for common in both)
    return missing / total if total else 1.0


def _common(feature: _Feature) -> statistics_pb2.CommonStatistics:
    if feature.HasField("string_stats"):
        return feature.string_stats.common_stats
    return feature.num_stats.common_stats


def _moved(
    new: Mapping[str, list[_Feature]],
    reference: Mapping[str, list[_Feature]],
    limits: DriftConfig,
) -> Iterator[Drift]:
    """Looks for numbers, and for lengths of support sets, that have moved."""
    for name in (name for name in reference if name in new):
        for what, numbers, limit in (
            ("values", _values, limits.max_value_shift),
            ("lengths", _lengths, limits.max_support_shift),
        ):
            if what == "lengths" and not name.startswith(_SUPPORT):
                continue
            sides = [
                list(filter(None, map(numbers, s[name]))) for s in (new, reference)
            ]
            if all(sides):
                yield _shift(name, what, *_counted(*sides), limit=limit)


class _Part(NamedTuple):
    """Numbers of one split: histograms of them, the finest last."""

    histograms: Sequence[statistics_pb2.Histogram]
    mean: float
    deviation: float


def _values(feature: _Feature) -> _Part | None:
    """Returns the values of a numeric feature, None without any."""
    stats = feature.num_stats
    if not stats.histograms:
        return None
    return _Part(stats.histograms, stats.mean, stats.std_dev)


def _lengths(feature: _Feature) -> _Part | None:
    """Returns how many values the examples have that have any, None without them."""
    common = _common(feature)
    if not common.num_non_missing:
        return None
    fine = [one.histogram for one in feature.custom_stats if one.name == FINE_SIZES]
    histograms = [common.num_values_histogram, *fine]
    mean = common.avg_num_values
    return _Part(histograms, mean, _deviation(histograms[-1], mean))


def _deviation(histogram: statistics_pb2.Histogram, mean: float) -> float:
    """Returns the standard deviation of values that lie amid their buckets."""
    total = sum(bucket.sample_count for bucket in histogram.buckets)
    squares = sum(
        bucket.sample_count * ((bucket.low_value + bucket.high_value) / 2 - mean) ** 2
        for bucket in histogram.buckets
    )
    return float(math.sqrt(squares / total))


def _counted(*sides: Sequence[_Part]) -> list[CountedNumbers]:
    """Puts the splits of either side together, by histograms made in the same way.

    A data set of an earlier version has none but those of equal width.
    """
    kind = min(len(part.histograms) for side in sides for part in side) - 1
    return [
        CountedNumbers.of_parts(
            [part.histograms[kind] for part in side],
            [part.mean for part in side],
            [part.deviation for part in side],
        )
        for side in sides
    ]


def _shift(
    name: str,
    what: str,
    new: CountedNumbers,
    reference: CountedNumbers,
    *,
    limit: float,
) -> Drift:
    """Returns how far a value moves on average, in deviations of the reference."""
    distance, deviation = reference.distance(new), reference.deviation
    return Drift(
        name,
        _Info.COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH,
        distance / (deviation or 1.0),
        limit,
        f"{what} move by {distance:.3g} on average, their mean from "
        f"{reference.mean:.3g} to {new.mean:.3g}, with a deviation of {deviation:.3g}",
    )


@dataclasses.dataclass(frozen=True, eq=False)
class CountedNumbers:
    """Numbers in buckets, in each of which they are spread evenly.

    Attributes:
        low: float64 [N], the smallest value of each bucket.
        high: float64 [N], the largest; where it is the smallest, all values are it.
        count: float64 [N], values in each bucket.
        mean: Of the values.
        deviation: Their standard deviation.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    count: NDArray[np.float64]
    mean: float
    deviation: float

    @classmethod
    def of_parts(
        cls,
        histograms: Sequence[statistics_pb2.Histogram],
        means: Sequence[float],
        deviations: Sequence[float],
    ) -> Self:
        """Puts parts of a data set together.

        Args:
            histograms: One of each part, with a value at least.
            means: Of each part.
            deviations: Of each part.
        """
        rows = np.array(
            [
                (bucket.low_value, bucket.high_value, bucket.sample_count)
                for histogram in histograms
                for bucket in histogram.buckets
            ]
        )
        low, high, count = rows.T
        sizes = [sum(b.sample_count for b in one.buckets) for one in histograms]
        mean = float(np.average(means, weights=sizes))
        squares = np.square(deviations) + np.square(np.subtract(means, mean))
        variance = np.average(squares, weights=sizes)
        return cls(low, high, count, mean, math.sqrt(variance))

    def distance(self, other: Self) -> float:
        """Returns how far a value moves on average to make the other numbers of these.

        It is the Wasserstein distance of order 1: the area between the two cumulative
        shares, which are straight between the edges of buckets.
        """
        edges = np.unique(np.concatenate([self.low, self.high, other.low, other.high]))
        start = (self._up_to(edges) - other._up_to(edges))[:-1]
        end = (self._below(edges) - other._below(edges))[1:]
        both = np.abs(start) + np.abs(end)
        crossed = (start**2 + end**2) / np.maximum(both, _TINY)
        heights = np.where(start * end < 0.0, crossed, both) / 2
        return float(np.sum(heights * np.diff(edges)))

    def _up_to(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the share of values that are at most each point, float64 [P]."""
        return self._share(points, points[:, np.newaxis] >= self.low)

    def _below(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the share of values that are less than each point, float64 [P]."""
        return self._share(points, points[:, np.newaxis] > self.low)

    def _share(
        self, points: NDArray[np.float64], has_value: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        width = self.high - self.low
        safe = np.where(width > 0.0, width, 1.0)
        inside = np.clip((points[:, np.newaxis] - self.low) / safe, 0.0, 1.0)
        of_bucket = np.where(width > 0.0, inside, has_value)  # [P, N]
        return np.asarray(of_bucket @ self.count / self.count.sum())
