"""The raw tables of an experiment with users as tasks."""

import pathlib
from typing import Any

from pipeline.experiment.config_file import data_dir
from pipeline.settings.described_features import describe_features
from pipeline.settings.table_source import (
    TableSource,
    describe_counts,
    describe_few_tasks,
    describe_few_to_choose_by,
    describe_odd_times,
    with_enough_shards,
)
from pipeline.settings.user.config import UserConfig, dataset_spec
from transforms.plural import counted
from transforms.ratings.tables import used_tables
from transforms.schema import LATER, NO_TASK, DatasetInfo

_TASK_TOO_SMALL = "task_too_small"  # As `num_dropped` has it.
_LARGE_SHARE = 0.25


def rating_source(config: UserConfig) -> TableSource:
    """Resolves the data source of an experiment to tables of ratings, users and items.

    Raises:
        ValueError: If the raw data is missing or its layout is unknown.
    """
    spec = dataset_spec(config.data, data_dir())
    spec = with_enough_shards(spec, [spec.interactions.table])
    tables = used_tables(spec, "data." if config.data.source == "table" else "")
    return TableSource(spec, tables, "users", _write, _describe)


def _write(*arguments: Any, **options: Any) -> DatasetInfo:
    from transforms.ratings.dataset import prepare_dataset  # It imports Beam.

    return prepare_dataset(*arguments, **options)


def _describe(info: DatasetInfo, directory: pathlib.Path) -> str:
    lines = [
        f"prepare: {split}: {counted(num, 'task')}, "
        f"{counted(info.num_interactions.get(split, 0), 'interaction')}"
        for split, num in info.num_tasks.items()
    ]
    lines += [*describe_few_tasks(info), *describe_few_to_choose_by(info)]
    lines += describe_odd_times(info)
    lines += describe_small_tasks(info)
    if num := info.num_interactions[NO_TASK]:
        lines.append(
            f"prepare: {counted(num, 'interaction')} of users with too few for a "
            "task: factors and means of items learn from them"
        )
    if num := info.num_interactions.get(LATER, 0):
        lines.append(
            f"prepare: {counted(num, 'interaction')} of the time of a later split, and "
            "in no task there: only the training on all pairs learns from them"
        )
    lines.append(
        f"prepare: {counted(info.num_users, 'user')}, {counted(info.num_items, 'item')}"
    )
    lines += [*describe_counts(info), *describe_features(info, directory)]
    return "\n".join(lines)


def describe_small_tasks(info: DatasetInfo) -> list[str]:
    """Says that a large share of users has too few pairs to be judged, if so."""
    num_small = info.num_dropped.get(_TASK_TOO_SMALL, 0)
    share = num_small / max(num_small + sum(info.num_tasks.values()), 1)
    if share < _LARGE_SHARE:
        return []
    sizes = info.options["episodes"]
    needed = sizes["query_size"] + sizes["min_support_size"]
    early = " before a later split" if info.num_interactions.get(LATER) else ""
    return [
        f"prepare: {share:.0%} of users have fewer than {needed} pairs{early} and no "
        "task: methods are judged on the others; with a data.episodes.query_size below "
        f"{sizes['query_size']} they are judged on more"
    ]
