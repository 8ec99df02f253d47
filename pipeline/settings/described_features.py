"""What `prepare` says of features whose values do not seem to be what they should."""

import pathlib
from collections.abc import Iterator, Sequence

from pipeline.experiment.prepared import read_ids
from transforms.plural import counted
from transforms.schema import CommonInfo, Feature

_SIGNS_BETWEEN = ("|", ";", ",")  # Several values in one text, often.

_OF_USERS = "the table of users must have them without brackets"


def describe_features(info: CommonInfo, dataset_dir: pathlib.Path) -> list[str]:
    """Says which features have numbers far from all others, and lists for values.

    Args:
        info: What the data set holds.
        dataset_dir: Where it lies.
    """
    return [*describe_far_numbers(info), *describe_lists(info, dataset_dir)]


def describe_far_numbers(info: CommonInfo) -> list[str]:
    """Says of each feature how many numbers are far from all others, if some are."""
    return [
        f"prepare: {feature.name} of {kind}: {counted(feature.num_far, 'number')} far "
        f"from all others, such as {feature.farthest:.15g}, counted as the nearest of "
        f"these, {feature.low:.15g} to {feature.high:.15g}: if it is a code for "
        "unknown, put it into `table.missing`"
        for kind, feature in _features(info)
        if feature.num_far
    ]


def describe_lists(info: CommonInfo, dataset_dir: pathlib.Path) -> list[str]:
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
        values = read_ids(dataset_dir, feature.name)[1:].tolist()
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


def _features(info: CommonInfo) -> Iterator[tuple[str, Feature]]:
    """Yields the table and each of its features."""
    yield from (("users", feature) for feature in info.user_features)
    yield from (("items", feature) for feature in info.item_features)
