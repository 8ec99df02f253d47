"""The raw tables of an experiment with users as tasks."""

import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.experiment.config_file import data_dir
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
from transforms.schema import LATER, NO_TASK, VOCABULARY_DIR, DatasetInfo, Feature

_TASK_TOO_SMALL = "task_too_small"  # As `num_dropped` has it.
_LARGE_SHARE = 0.25
_SIGNS_BETWEEN = ("|", ";", ",")  # Several values in one text, often.

_OF_USERS = "the table of users must have them without brackets"


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
    lines += [*describe_counts(info), *describe_far_numbers(info)]
    return "\n".join([*lines, *describe_lists(info, directory)])


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


def describe_far_numbers(info: DatasetInfo) -> list[str]:
    """Says of each feature how many numbers are far from all others, if some are."""
    return [
        f"prepare: {feature.name} of {kind}: {counted(feature.num_far, 'number')} far "
        f"from all others, such as {feature.farthest:.15g}, counted as the nearest of "
        f"these, {feature.low:.15g} to {feature.high:.15g}: if it is a code for "
        "unknown, put it into `table.missing`"
        for kind, feature in _features(info)
        if feature.num_far
    ]


def describe_lists(info: DatasetInfo, dataset_dir: pathlib.Path) -> list[str]:
    """Says of each feature whether most of its values are several, read as one.

    They are texts of whole lists, or hold a sign that is the separator of others.

    Args:
        info: What the data set holds.
        dataset_dir: Where it lies.
    """
    lines = []
    for kind, feature in _features(info):
        if feature.kind == "numeric":
            continue
        path = dataset_dir / VOCABULARY_DIR / f"{feature.name}.txt"
        values = path.read_text(encoding="utf-8").split("\n")[:-1]
        lists = [value for value in values if value[0] + value[-1] == "[]"]
        if 2 * len(lists) <= len(values):
            lines += _describe_uncut(f"{feature.name} of {kind}", values)
            continue
        cure = _OF_USERS if kind == "users" else _keys(lists[0])
        lines.append(
            f"prepare: {feature.name} of {kind}: {len(lists)} of "
            f"{counted(len(values), 'value')} are texts of lists, such as {lists[0]}, "
            f"each of which counts as one value: {cure}"
        )
    return lines


def _describe_uncut(name: str, values: Sequence[str]) -> list[str]:
    """Says that most values are several of fewer ones with a sign between them, if so.

    "Doe, Jane" and "Roe, Ann" are not: there are more parts than values.
    """
    for sign in _SIGNS_BETWEEN:
        holding = [value for value in values if sign in value]
        parts = {part.strip() for value in values for part in value.split(sign)}
        if 2 * len(holding) > len(values) > len(parts):
            return [
                f"prepare: {name}: {len(holding)} of {counted(len(values), 'value')} "
                f"hold {sign!r}, such as {holding[0]!r}, and count as one value each: "
                f'if they are several, `kind: multi` and `separator: "{sign}"` cut them'
            ]
    return []


def _keys(value: str) -> str:
    """Returns the keys that read the text of a list, its quotes as in this one."""
    quote = '"' if '"' in value else "''"  # As YAML has them in single quotes.
    return (
        f"`kind: multi`, `separator: \", \"` and `drop_pattern: '[\\[\\]{quote}]'` "
        "read what is in them"
    )


def _features(info: DatasetInfo) -> Iterator[tuple[str, Feature]]:
    """Yields the table and each of its features."""
    yield from (("users", feature) for feature in info.user_features)
    yield from (("items", feature) for feature in info.item_features)
