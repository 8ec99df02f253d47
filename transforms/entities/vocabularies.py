"""Vocabularies: which values have a number of their own, and which one."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.reading.coded_column import Ints


def id_order(entity_id: str) -> tuple[bool, int, str, str]:
    """Returns the sort key of an id: numbers first, by value, then texts."""
    if entity_id.isascii() and entity_id.isdecimal():
        digits = entity_id.lstrip("0")
        return False, len(digits), digits, entity_id
    return True, 0, entity_id, entity_id


def order_of_ids(ids: pa.Array) -> Ints:
    """Returns the places of different ids, a pyarrow array of texts, by `id_order`."""
    are_numbers = pc.match_substring_regex(ids, "^[0-9]+$")
    numbers, texts = (
        np.flatnonzero(mask.to_numpy(zero_copy_only=False))
        for mask in (are_numbers, pc.invert(are_numbers))
    )
    chosen = ids.take(pa.array(numbers))
    digits = pc.ascii_ltrim(chosen, "0")
    keys = {"length": pc.binary_length(digits), "digits": digits, "id": chosen}
    by_value = pc.sort_indices(
        pa.table(keys), sort_keys=[(key, "ascending") for key in keys]
    )
    by_text = pc.array_sort_indices(ids.take(pa.array(texts)))
    return np.concatenate([numbers[by_value.to_numpy()], texts[by_text.to_numpy()]])


def frequent_values(counts: Mapping[str, int], min_count: int) -> list[str]:
    """Returns the values that enough entities carry.

    Only meta-train entities must be counted, so that the model trains every row of an
    embedding and meta-test leaks nothing.

    Args:
        counts: Entities that carry a value, by value.
        min_count: Entities that must.

    Returns:
        The values, the most frequent first, equally frequent ones in text order. Value
        n is integer n + 1 of the feature.
    """
    frequent = (item for item in counts.items() if item[1] >= min_count)
    return [value for value, _ in sorted(frequent, key=most_frequent_first)]


def vocabulary_rows(vocabulary: Sequence[str]) -> dict[str, int]:
    """Returns the integer of each value: 1 for the first."""
    return {value: row for row, value in enumerate(vocabulary, start=1)}


def most_frequent_first(item: tuple[str, int]) -> tuple[int, str]:
    """Returns the sort key of a (value, count) pair: by count, then in text order."""
    value, count = item
    return -count, value
