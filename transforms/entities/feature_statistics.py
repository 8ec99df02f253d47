"""Statistics of features of users and items, and of labels, as TFDV reads them."""

from collections.abc import Iterable

from tensorflow_metadata.proto.v0 import statistics_pb2

from transforms.entities.value_counts import ValueCounts
from transforms.entities.vocabularies import most_frequent_first
from transforms.schema import Feature
from transforms.writing.statistics import fill_numbers, fill_sizes

_NUM_TOP_VALUES = 20

_FLOAT = statistics_pb2.FeatureNameStatistics.FLOAT
_STRING = statistics_pb2.FeatureNameStatistics.STRING


def add_feature_statistics(
    dataset: statistics_pb2.DatasetFeatureStatistics,
    features: Iterable[Feature],
    values: Iterable[ValueCounts],
) -> None:
    """Adds the statistics of features to those of a split.

    Args:
        dataset: The split.
        features: The features of users, or of items.
        values: How often values of each of them occur.
    """
    for feature, counts in zip(features, values, strict=True):
        if feature.kind == "numeric":
            add_numbers(dataset, feature.name, counts)
        else:
            _add_texts(dataset, feature.name, counts)


def add_numbers(
    dataset: statistics_pb2.DatasetFeatureStatistics, name: str, numbers: ValueCounts
) -> None:
    """Adds the statistics of a numeric feature, or of labels, to those of a split."""
    feature = dataset.features.add(name=name, type=_FLOAT)
    fill_sizes(feature, feature.num_stats.common_stats, numbers.sizes)
    fill_numbers(feature.num_stats, numbers.values)


def _add_texts(
    dataset: statistics_pb2.DatasetFeatureStatistics, name: str, texts: ValueCounts
) -> None:
    counts = texts.values
    feature = dataset.features.add(name=name, type=_STRING)
    stats = feature.string_stats
    fill_sizes(feature, stats.common_stats, texts.sizes)
    stats.unique = len(counts)
    total = counts.total()
    if total:
        stats.avg_length = sum(len(t.encode()) * n for t, n in counts.items()) / total
    for text, count in sorted(counts.items(), key=most_frequent_first):
        if len(stats.top_values) == _NUM_TOP_VALUES:
            break
        stats.top_values.add(value=text, frequency=count)
