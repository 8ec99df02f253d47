"""The raw tables of an experiment with users as tasks."""

from __future__ import annotations

import pathlib
from typing import Any

from pipeline.experiment.config_file import data_dir
from pipeline.settings.prepared_text import describe_counts, describe_few_tasks
from pipeline.settings.shards import with_enough_shards
from pipeline.settings.table_source import TableSource
from pipeline.settings.user.config import UserConfig, dataset_spec
from transforms.plural import counted
from transforms.ratings.tables import used_tables
from transforms.schema import NO_TASK, DatasetInfo


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
    del directory
    lines = [
        f"prepare: {split}: {counted(num, 'task')}, "
        f"{counted(info.num_interactions.get(split, 0), 'interaction')}"
        for split, num in info.num_tasks.items()
    ]
    lines += describe_few_tasks(info)
    if num := info.num_interactions[NO_TASK]:
        lines.append(
            f"prepare: {counted(num, 'interaction')} of users with too few for a "
            "task: factors and means of items learn from them"
        )
    lines.append(
        f"prepare: {counted(info.num_users, 'user')}, {counted(info.num_items, 'item')}"
    )
    return "\n".join([*lines, *describe_counts(info)])
