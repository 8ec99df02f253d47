"""Features whose values are hardly what they are taken for, seen when prepared."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from transforms.plural import counted
from transforms.schema import VOCABULARY_DIR, DatasetInfo, Feature

_OF_USERS = "the table of users must have them without brackets"


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
    """Says of each feature whether most of its values are texts of whole lists.

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
            continue
        cure = _OF_USERS if kind == "users" else _keys(lists[0])
        lines.append(
            f"prepare: {feature.name} of {kind}: {len(lists)} of "
            f"{counted(len(values), 'value')} are texts of lists, such as {lists[0]}, "
            f"each of which counts as one value: {cure}"
        )
    return lines


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
