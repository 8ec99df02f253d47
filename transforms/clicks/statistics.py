"""Schema and statistics of scenarios, as the protos that TFDV reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from transforms import schema
from transforms.clicks import schema as keys
from transforms.clicks.summaries import TaskSummary
from transforms.ratings.statistics import fill_common

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


def build_schema(item_ids: Sequence[str], user_ids: Sequence[str]) -> schema_pb2.Schema:
    """Returns types and ranges of the keys of an episode record.

    Args:
        item_ids: The items, in the order of their rows.
        user_ids: The users, likewise.
    """
    result = schema_pb2.Schema()
    result.feature.add(name=schema.TASK_ID_KEY, type=schema_pb2.BYTES)
    for names, ids in ((_USER_KEYS, user_ids), (_ITEM_KEYS, item_ids)):
        for name in names:
            rows = schema_pb2.IntDomain(min=1, max=len(ids), is_categorical=True)
            result.feature.add(name=name, type=schema_pb2.INT, int_domain=rows)
    result.feature.add(name=keys.SUPPORT_FOLD_KEY, type=schema_pb2.INT)
    return result


def build_statistics(
    tasks: Iterable[TaskSummary],
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Returns one data set for each split: how many values each record has.

    Args:
        tasks: All tasks.
    """
    sizes: dict[str, dict[str, Counter[int]]] = {
        split: {
            name: Counter()
            for name in (keys.POOL_KEY, keys.SUPPORT_ITEM_KEY, keys.QUERY_ITEM_KEY)
        }
        for split in schema.SPLITS
    }
    num_tasks: Counter[str] = Counter()
    for task in tasks:
        num_tasks[task.split] += 1
        counts = sizes[task.split]
        counts[keys.POOL_KEY][len(task.pool)] += 1
        counts[keys.SUPPORT_ITEM_KEY][task.num_support] += 1
        counts[keys.QUERY_ITEM_KEY][task.num_query] += 1
    result = statistics_pb2.DatasetFeatureStatisticsList()
    for split, by_name in sizes.items():
        dataset = result.datasets.add(name=split, num_examples=num_tasks[split])
        for name, num_values in by_name.items():
            feature = dataset.features.add(name=name, type=_INT)
            fill_common(feature.num_stats.common_stats, num_values)
    return result
