"""How often users or items occur, by column: what shards tell of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from transforms.reading.coded_column import CodedColumn, Ints, join_texts, small


@dataclasses.dataclass(frozen=True)
class EntityCounts:
    """Counts of different users, or of different items.

    Attributes:
        ids: Their ids, a pyarrow array of texts.
        pairs: Different pairs of each, those left out too.
        training: Pairs of each that are learnt from.
        parts: Bit n is set if it is in a task of part n; 0 if it is in none.
        shards: Shard of users that wants the row of each, from 1; 0 if none does.
    """

    ids: pa.Array
    pairs: Ints
    training: Ints
    parts: Ints
    shards: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, places: Ints) -> EntityCounts:
        """Returns some of them."""
        counts = (self.pairs, self.training, self.parts, self.shards)
        return EntityCounts(
            self.ids.take(pa.array(places)), *(one[places] for one in counts)
        )

    def pairs_by_id(self) -> dict[str, int]:
        """Returns the pairs of each id."""
        return dict(zip(self.ids.to_pylist(), self.pairs.tolist(), strict=True))

    def are_in(self, part: int) -> Ints:
        """Returns the places of those that are in tasks of a part."""
        return np.flatnonzero(self.parts & (1 << part))


def without_counts(ids: Iterable[str]) -> EntityCounts:
    """Returns counts of zero of different ids."""
    array = pa.array(list(ids), pa.string())
    nothing = np.zeros(len(array), np.uint8)
    return EntityCounts(array, nothing, nothing, nothing, nothing)


def merge_counts_of_entities(counts: Iterable[EntityCounts]) -> EntityCounts:
    """Adds up counts of several shards, whatever their order."""
    counts = list(counts)
    joined = join_texts(CodedColumn(np.arange(len(one)), one.ids) for one in counts)
    number = len(joined.values)
    bits = np.zeros(number, np.uint8)
    pairs, training, shards = np.zeros((3, number), np.int64)
    start = 0
    for one in counts:
        places = joined.codes[start : start + len(one)]  # All of them different.
        pairs[places] += one.pairs
        training[places] += one.training
        bits[places] |= one.parts
        shards[places] = np.maximum(shards[places], one.shards)
        start += len(one)
    columns = small(pairs), small(training), bits, small(shards)
    return EntityCounts(joined.values, *columns)
