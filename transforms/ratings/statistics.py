"""Statistics, schema and anomalies of a data set, as the protos that TFDV reads.

Everything is counted from the whole data set, and sorted, so that equal data sets
give equal bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from transforms import schema
from transforms.entities.entities import FeatureValue
from transforms.entities.entity_table import EntityTable
from transforms.entities.vocabularies import most_frequent_first
from transforms.ratings.summaries import (
    PairsSummary,
    SplitSummary,
    TasksSummary,
    mean_and_std,
)
from transforms.reading.row_error import REASONS

_NUM_BUCKETS = 10
_NUM_TOP_VALUES = 20

_FLOAT = statistics_pb2.FeatureNameStatistics.FLOAT
_STRING = statistics_pb2.FeatureNameStatistics.STRING


def proto_file(message: Message) -> bytes:
    """Returns the bytes of a `.pbtxt` file."""
    return text_format.MessageToString(message, as_utf8=True).encode()


def build_statistics(
    summary: TasksSummary, users: EntityTable, items: EntityTable
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns one data set of statistics for each split.

    Labels are counted over pairs, user features over the tasks of the split, item
    features over the different items of its pairs.

    Args:
        summary: Counts of all tasks.
        users: The users.
        items: The items.
    """
    result = statistics_pb2.DatasetFeatureStatisticsList()
    for split in schema.SPLITS:
        counts = summary.splits[split]
        dataset = result.datasets.add(name=split, num_examples=len(counts.task_ids))
        _add_labels(dataset.features.add(), schema.SUPPORT_LABEL_KEY, counts.support)
        _add_labels(dataset.features.add(), schema.QUERY_LABEL_KEY, counts.query)
        for table, ids in _tables(counts, users, items):
            chosen = [e.values for e in table.entities if e.entity_id in ids]
            for position, feature in enumerate(table.features):
                column = [values[position] for values in chosen]
                if feature.kind == "numeric":
                    _add_numbers(dataset.features.add(), feature.name, column)
                else:
                    _add_texts(dataset.features.add(), feature.name, column)
    return result


def build_schema(
    spec: schema.DatasetSpec, users: EntityTable, items: EntityTable
) -> schema_pb2.Schema:
    """Returns the types and ranges of an episode record and of the features.

    Args:
        spec: The label range.
        users: The users.
        items: The items.
    """
    labels = schema_pb2.FloatDomain(
        min=spec.interactions.label_min, max=spec.interactions.label_max
    )
    result = schema_pb2.Schema()
    result.feature.add(name=schema.TASK_ID_KEY, type=schema_pb2.BYTES)
    for name, table in (
        (schema.USER_KEY, users),
        (schema.SUPPORT_ITEM_KEY, items),
        (schema.QUERY_ITEM_KEY, items),
    ):
        rows = schema_pb2.IntDomain(min=1, max=len(table.entities), is_categorical=True)
        result.feature.add(name=name, type=schema_pb2.INT, int_domain=rows)
    for name in (schema.SUPPORT_LABEL_KEY, schema.QUERY_LABEL_KEY):
        result.feature.add(name=name, type=schema_pb2.FLOAT, float_domain=labels)
    for feature in result.feature:
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
    for feature in (*users.features, *items.features):
        numeric = feature.kind == "numeric"
        result.feature.add(
            name=feature.name,
            type=schema_pb2.FLOAT if numeric else schema_pb2.BYTES,
            value_count=schema_pb2.ValueCount(max=feature.max_values),
        )
    return result


def build_anomalies(num_rejected: Mapping[str, int]) -> anomalies_pb2.Anomalies:
    """Returns one anomaly for each reason that rows were refused for.

    Args:
        num_rejected: Refused rows by reason.
    """
    result = anomalies_pb2.Anomalies()
    for reason, count in sorted(num_rejected.items()):
        info = result.anomaly_info[reason]
        info.severity = anomalies_pb2.AnomalyInfo.WARNING
        info.short_description = f"{count} rows refused"
        info.description = f"{count} rows were refused: {REASONS[reason]}."
    return result


def _tables(
    counts: SplitSummary, users: EntityTable, items: EntityTable
) -> tuple[tuple[EntityTable, set[str]], ...]:
    return (users, set(counts.task_ids)), (items, set(counts.items))


def _add_labels(
    feature: statistics_pb2.FeatureNameStatistics, name: str, pairs: PairsSummary
) -> None:
    feature.name = name
    feature.type = _FLOAT
    fill_common(feature.num_stats.common_stats, pairs.sizes)
    _fill_numbers(feature.num_stats, pairs.label_counts)


def _add_numbers(
    feature: statistics_pb2.FeatureNameStatistics,
    name: str,
    column: Sequence[FeatureValue],
) -> None:
    numbers = [value for value in column if isinstance(value, float)]
    feature.name = name
    feature.type = _FLOAT
    sizes = Counter({1: len(numbers), 0: len(column) - len(numbers)})
    fill_common(feature.num_stats.common_stats, sizes)
    _fill_numbers(feature.num_stats, Counter(numbers))


def _add_texts(
    feature: statistics_pb2.FeatureNameStatistics,
    name: str,
    column: Sequence[FeatureValue],
) -> None:
    texts = [value for value in column if isinstance(value, tuple)]
    counts = Counter(text for values in texts for text in values)
    feature.name = name
    feature.type = _STRING
    stats = feature.string_stats
    fill_common(stats.common_stats, Counter(map(len, texts)))
    stats.unique = len(counts)
    total = counts.total()
    if total:
        stats.avg_length = sum(len(t.encode()) * n for t, n in counts.items()) / total
    for text, count in sorted(counts.items(), key=most_frequent_first):
        if len(stats.top_values) == _NUM_TOP_VALUES:
            break
        stats.top_values.add(value=text, frequency=count)


def fill_common(common: statistics_pb2.CommonStatistics, sizes: Counter[int]) -> None:
    """Fills in how many values an example has; one without any is missing."""
    present = {size: count for size, count in sizes.items() if size and count}
    common.num_missing = sizes[0]
    common.num_non_missing = sum(present.values())
    common.tot_num_values = sum(size * count for size, count in present.items())
    if present:
        common.min_num_values = min(present)
        common.max_num_values = max(present)
        common.avg_num_values = common.tot_num_values / common.num_non_missing
        common.num_values_histogram.CopyFrom(_histogram(Counter(present)))


def _fill_numbers(
    stats: statistics_pb2.NumericStatistics, counts: Counter[float]
) -> None:
    if not counts:
        return
    stats.mean, stats.std_dev = mean_and_std(counts)
    stats.num_zeros = counts[0.0]
    stats.min = min(counts)
    stats.max = max(counts)
    stats.median = _median(counts)
    stats.histograms.append(_histogram(counts))


def _histogram(counts: Counter[float] | Counter[int]) -> statistics_pb2.Histogram:
    """Returns buckets of equal width from the smallest value to the largest."""
    low, high = min(counts), max(counts)
    width = (high - low) / _NUM_BUCKETS
    samples = [0] * _NUM_BUCKETS
    for value, count in counts.items():
        place = int((value - low) / width) if width else 0
        samples[min(place, _NUM_BUCKETS - 1)] += count
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.STANDARD)
    for place, count in enumerate(samples):
        start = low + place * width
        is_last = place == _NUM_BUCKETS - 1
        end = high if is_last else low + (place + 1) * width
        histogram.buckets.add(low_value=start, high_value=end, sample_count=count)
    return histogram


def _median(counts: Counter[float]) -> float:
    """Returns the middle value, the lower one of two."""
    middle = (counts.total() + 1) // 2
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= middle:
            return value
    raise AssertionError("the median of nothing")
