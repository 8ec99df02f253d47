"""Schema and statistics of scenarios, as the protos that TFDV reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms import schema
from transforms.clicks import schema as keys
from transforms.clicks.summaries import TaskSummary
from transforms.writing.statistics import fill_sizes, rows_schema

_INT = statistics_pb2.FeatureNameStatistics.INT
_USER_KEYS = (keys.SUPPORT_USER_KEY, keys.QUERY_USER_KEY, keys.KNOWN_USER_KEY)
_ITEM_KEYS = (
    keys.POOL_KEY,
    keys.SUPPORT_ITEM_KEY,
    keys.SUPPORT_NEGATIVE_KEY,
    keys.QUERY_ITEM_KEY,
    keys.QUERY_NEGATIVE_KEY,
    keys.KNOWN_ITEM_KEY,
)


def build_schema(num_users: int, num_items: int) -> schema_pb2.Schema:
    """Returns types and ranges of the keys of an episode record."""
    result = rows_schema(
        dict.fromkeys(_USER_KEYS, num_users) | dict.fromkeys(_ITEM_KEYS, num_items)
    )
    result.feature.add(name=keys.SUPPORT_FOLD_KEY, type=schema_pb2.INT)
    return result


def build_statistics(
    tasks: Sequence[TaskSummary],
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns one data set for each split: how many values each record has."""
    result = statistics_pb2.DatasetFeatureStatisticsList()
    for split in schema.SPLITS:
        chosen = [task for task in tasks if task.split == split]
        dataset = result.datasets.add(name=split, num_examples=len(chosen))
        for name, sizes in _sizes(chosen).items():
            feature = dataset.features.add(name=name, type=_INT)
            fill_sizes(feature, feature.num_stats.common_stats, sizes)
    return result


def _sizes(tasks: Iterable[TaskSummary]) -> dict[str, Counter[int]]:
    """Returns tasks by number of values, for each key that is counted."""
    return {
        keys.POOL_KEY: Counter(task.pool_size for task in tasks),
        keys.SUPPORT_ITEM_KEY: Counter(task.num_support for task in tasks),
        keys.QUERY_ITEM_KEY: Counter(task.num_query for task in tasks),
    }
