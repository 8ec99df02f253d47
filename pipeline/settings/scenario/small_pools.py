"""Pools that are too small for the metric that decides, seen when they are prepared."""

from __future__ import annotations

import pathlib

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2

from models.evaluation.ranking_metrics import CHOSEN_BY, RECALL_CUTOFFS
from transforms.clicks.schema import POOL_KEY
from transforms.plural import counted
from transforms.schema import META_TEST, META_VALIDATION

_STATISTICS = "statistics.pbtxt"
_DECISIVE = int(CHOSEN_BY.partition("@")[2])


def describe_small_pools(dataset_dir: pathlib.Path) -> list[str]:
    """Says which splits that methods are judged on have pools that tell nothing.

    A user of a pool has its items for candidates, less those known to be clicked; with
    no more than 20 of them Recall@20 is undefined.

    Args:
        dataset_dir: The prepared data set.

    Returns:
        A sentence for each such split.
    """
    text = (dataset_dir / _STATISTICS).read_text(encoding="utf-8")
    statistics = text_format.Parse(text, statistics_pb2.DatasetFeatureStatisticsList())
    return [
        _describe(split.name, sizes.min_num_values, sizes.max_num_values)
        for split in statistics.datasets
        if split.name in (META_VALIDATION, META_TEST) and split.num_examples
        for feature in split.features
        if feature.name == POOL_KEY
        if (sizes := feature.num_stats.common_stats).min_num_values <= _DECISIVE
    ]


def _describe(split: str, smallest: int, largest: int) -> str:
    """Says how large the pools are, what does not count, and what does."""
    defined = [f"recall@{k}" for k in RECALL_CUTOFFS if k < min(largest, _DECISIVE)]
    others = ", ".join([*defined, "ndcg and mrr"])
    if largest > _DECISIVE:
        cure = f"data.episodes.min_pool_size: {_DECISIVE + 1} leaves such pools out"
    else:
        cure = "no key changes what decides: larger pools are needed"
    return (
        f"prepare: {split}: pools have {smallest} to {counted(largest, 'item')}; where "
        f"a user has at most {_DECISIVE} candidates, {CHOSEN_BY}, which decides, does "
        f"not count, but {others} do: {cure}"
    )
