"""Schema and statistics of ratings, as the protos that TFDV reads."""

from __future__ import annotations

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms import schema
from transforms.entities.entity_table import EntityTable
from transforms.entities.value_counts import ValueCounts
from transforms.entities.vocabularies import most_frequent_first
from transforms.ratings.summaries import TasksSummary
from transforms.ratings.tasks import PARTS
from transforms.specs import DatasetSpec
from transforms.writing.statistics import fill_numbers, fill_sizes, rows_schema

_NUM_TOP_VALUES = 20

_FLOAT = statistics_pb2.FeatureNameStatistics.FLOAT
_STRING = statistics_pb2.FeatureNameStatistics.STRING


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
    for place, split in enumerate(PARTS[: len(schema.SPLITS)]):
        counts = summary.splits[split]
        dataset = result.datasets.add(name=split, num_examples=counts.num_tasks)
        _add_numbers(dataset.features.add(), schema.SUPPORT_LABEL_KEY, counts.support)
        _add_numbers(dataset.features.add(), schema.QUERY_LABEL_KEY, counts.query)
        for table in (users, items):
            of_split = table.values.by_part[place]
            for feature, values in zip(table.features, of_split, strict=True):
                if feature.kind == "numeric":
                    _add_numbers(dataset.features.add(), feature.name, values)
                else:
                    _add_texts(dataset.features.add(), feature.name, values)
    return result


def build_schema(
    spec: DatasetSpec, users: EntityTable, items: EntityTable
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
    result = rows_schema(
        {
            schema.USER_KEY: len(users),
            schema.SUPPORT_ITEM_KEY: len(items),
            schema.QUERY_ITEM_KEY: len(items),
        }
    )
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


def _add_numbers(
    feature: statistics_pb2.FeatureNameStatistics, name: str, numbers: ValueCounts
) -> None:
    feature.name = name
    feature.type = _FLOAT
    fill_sizes(feature, feature.num_stats.common_stats, numbers.sizes)
    fill_numbers(feature.num_stats, numbers.values)


def _add_texts(
    feature: statistics_pb2.FeatureNameStatistics, name: str, texts: ValueCounts
) -> None:
    counts = texts.values
    feature.name = name
    feature.type = _STRING
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
