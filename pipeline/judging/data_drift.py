"""How far a prepared data set lies from the one that a model was trained on."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

import numpy as np
from google.protobuf import text_format
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from pipeline.experiment.config_section import DriftConfig
from pipeline.experiment.prepared import read_ids
from transforms.plural import counted, plural
from transforms.schema import SUCCESS, VOCABULARY_DIR, DataError

_STATISTICS = "statistics.pbtxt"
_SUPPORT = "support/"
_GRID = 2049
_POINT = 1e-9  # Width of a bucket that holds one value.

_Feature: TypeAlias = statistics_pb2.FeatureNameStatistics
_Info: TypeAlias = anomalies_pb2.AnomalyInfo


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
    dataset_dir: pathlib.Path, reference_dir: pathlib.Path, limits: DriftConfig
) -> list[Drift]:
    """Compares a data set with the one that a model was trained on.

    Args:
        dataset_dir: The new data set.
        reference_dir: The other one.
        limits: From where on a difference is an anomaly.

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
                "`cmml prepare`, or name another folder as drift.reference."
            )
    new, reference = _features(dataset_dir), _features(reference_dir)
    return [
        *_unknown_values(dataset_dir, reference_dir, limits),
        *_missing(new, reference, limits.max_missing_increase),
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
        if path.stem in limits.may_be_new:
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
        values = [
            [bucket for part in side[name] for bucket in _value_buckets(part)]
            for side in (new, reference)
        ]
        if all(values):
            yield _shift(name, "values", *values, limit=limits.max_value_shift)
        lengths = [
            [
                bucket
                for part in side[name]
                for bucket in _common(part).num_values_histogram.buckets
            ]
            for side in (new, reference)
        ]
        if name.startswith(_SUPPORT) and all(lengths):
            yield _shift(name, "lengths", *lengths, limit=limits.max_support_shift)


def _value_buckets(feature: _Feature) -> list[statistics_pb2.Histogram.Bucket]:
    histograms = feature.num_stats.histograms
    return list(histograms[0].buckets) if histograms else []


def _shift(
    name: str,
    what: str,
    new: list[statistics_pb2.Histogram.Bucket],
    reference: list[statistics_pb2.Histogram.Bucket],
    *,
    limit: float,
) -> Drift:
    """Returns how far a value moves on average, in deviations of the reference.

    It is the Wasserstein distance of order 1 of the two histograms.
    """
    everything = [*new, *reference]
    low = min(bucket.low_value for bucket in everything)
    high = max(bucket.high_value for bucket in everything)
    grid = np.linspace(low, high, _GRID)
    distance = np.abs(_cumulative(new, grid) - _cumulative(reference, grid)).mean()
    distance = float(distance) * (high - low)
    (mean_now, _), (mean, deviation) = _moments(new), _moments(reference)
    return Drift(
        name,
        _Info.COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH,
        distance / (deviation or 1.0),
        limit,
        f"{what} move by {distance:.3g} on average, their mean from {mean:.3g} to "
        f"{mean_now:.3g}, with a deviation of {deviation:.3g}",
    )


def _cumulative(
    buckets: list[statistics_pb2.Histogram.Bucket], grid: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Returns the share of values up to each point of a grid."""
    total = sum(bucket.sample_count for bucket in buckets)
    below = np.zeros_like(grid)
    for bucket in buckets:
        width = max(bucket.high_value - bucket.low_value, _POINT)
        inside = np.clip((grid - bucket.low_value) / width, 0.0, 1.0)
        below += bucket.sample_count * inside
    return below / total


def _moments(buckets: list[statistics_pb2.Histogram.Bucket]) -> tuple[float, float]:
    """Returns mean and deviation of a histogram, each value amid its bucket."""
    middles = [(bucket.low_value + bucket.high_value) / 2 for bucket in buckets]
    counts = [bucket.sample_count for bucket in buckets]
    mean = float(np.average(middles, weights=counts))
    squares = np.average((np.array(middles) - mean) ** 2, weights=counts)
    return mean, float(np.sqrt(squares))
