"""Users or items of one partition, in their order, and what is said of them.

What workers know of users and items is brought together by partition of their ids, so
that no worker holds all of them. A partition gives a run: its rows, in order and not
yet numbered; and a summary, which is small and adds up to that of all.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, Self

import numpy as np
import pyarrow as pa

from transforms import schema
from transforms.entities.entities import Entity, EntityBlock
from transforms.entities.entity_counts import EntityCounts
from transforms.entities.feature_values import FeatureValue
from transforms.entities.forms_of_ids import partitions_of
from transforms.entities.value_counts import EntityValues, count_by_feature
from transforms.join_counts import JoinCounts
from transforms.joins import Join, forms_of, join_of
from transforms.reading.coded_column import Ints
from transforms.reading.rejected_row import RejectedRow
from transforms.row_counts import RowCounts, merge_counts
from transforms.specs import FeatureSpec
from transforms.writing.run_files import ID, NAME, NUM_TRAINING, SHARD


class Partition(NamedTuple):
    """One part of all ids; those that differ in form only are in one.

    Attributes:
        number: Which.
        total: Partitions in all.
    """

    number: int
    total: int


class PartedIds:
    """Ids that every worker knows, by partition.

    Args:
        ids: The ids.
        raw_ids: Takes the names of domains off, which no partition depends on; without
            it the ids have none.
    """

    def __init__(
        self,
        ids: Iterable[str],
        raw_ids: Callable[[pa.Array], pa.Array] = lambda ids: ids,
    ) -> None:
        self._ids = list(ids)
        self._raw_ids = raw_ids
        self._by_partition: dict[Partition, list[str]] = {}

    def of(self, partition: Partition) -> list[str]:
        """Returns those of a partition; parts all of them when it is first asked."""
        if self._ids and partition not in self._by_partition:
            total = partition.total
            raw = self._raw_ids(pa.array(self._ids))
            places = partitions_of(raw, total).tolist()
            self._by_partition = {Partition(n, total): [] for n in range(total)}
            for one, place in zip(self._ids, places, strict=True):
                self._by_partition[Partition(place, total)].append(one)
        return self._by_partition.get(partition, [])


class JoinKey(NamedTuple):
    """What ids of one table are looked up in; see `Join`."""

    ids: str
    left: str
    right: str
    may_differ: bool = False


@dataclasses.dataclass
class RunSummary:
    """What the whole data set needs to know of a run, or of all runs of a kind.

    Attributes:
        num_rows: Users or items by domain, "" where there is one without name.
        values: How often values of features occur.
        table_rows: What became of the rows of tables of entities, by table.
        joins: How ids find each other.
    """

    num_rows: Counter[str]
    values: EntityValues
    table_rows: dict[str, RowCounts] = dataclasses.field(default_factory=dict)
    joins: dict[JoinKey, JoinCounts] = dataclasses.field(default_factory=dict)

    def merge(self, other: Self) -> None:
        """Adds that of another run."""
        self.num_rows.update(other.num_rows)
        self.values.merge(other.values)
        merge_counts(self.table_rows, other.table_rows)
        for key, counts in other.joins.items():
            self.joins.setdefault(key, JoinCounts()).merge(counts)

    def add_forms(
        self, ids: str, table: str, counts: tuple[JoinCounts, JoinCounts]
    ) -> None:
        """Keeps what `count_forms` gave."""
        for may_differ, of_kind in zip((False, True), counts, strict=True):
            self.joins[JoinKey(ids, table, table, may_differ)] = of_kind

    def forms(self, ids: str, table: str) -> Iterator[Join]:
        """Yields what `add_forms` has kept."""
        numbers, texts = (
            self.joins[JoinKey(ids, table, table, may_differ)]
            for may_differ in (False, True)
        )
        return forms_of(ids, table, (numbers, texts))

    def join(self, ids: str, left: str, right: str) -> Join:
        """Returns one that is kept in `joins`."""
        return join_of(ids, left, right, self.joins[JoinKey(ids, left, right)])


class EntityRun(NamedTuple):
    """One partition of the users or of the items.

    Attributes:
        rows: A row each, in their order.
        summary: What the whole data set needs to know.
        rejected: Rows that say something else than an earlier one.
    """

    rows: pa.Table
    summary: RunSummary
    rejected: Sequence[RejectedRow]


class MakeRuns(Protocol):
    """What a setting makes of the users and items that come together."""

    def raw_ids(self, ids: pa.Array) -> pa.Array:
        """Returns ids without the name of their domain."""

    def run(
        self,
        kind: str,
        partition: Partition,
        counts: Sequence[EntityCounts],
        blocks: Mapping[str, Sequence[EntityBlock]],
    ) -> EntityRun:
        """Makes the run of a partition.

        Args:
            kind: "user" or "item".
            partition: The partition.
            counts: Counts of its ids, of all shards.
            blocks: What tables say of its ids, by name of the table.
        """


def summary_of(summaries: Iterable[tuple[str, RunSummary]], kind: str) -> RunSummary:
    """Returns the sum of the summaries of a kind; there must be one."""
    first, *others = (summary for one, summary in summaries if one == kind)
    for other in others:
        first.merge(other)
    return first


def rows_of(
    features: Sequence[FeatureSpec],
    counts: EntityCounts,
    known: Mapping[str, Entity],
    *,
    has_names: bool,
) -> tuple[pa.Table, EntityValues]:
    """Returns the rows of a run, and how often values of features occur in it.

    Args:
        features: The features.
        counts: Of its ids, in their order.
        known: What tables say of some of them, by id.
        has_names: Whether there are names.
    """
    columns = {
        ID: counts.ids,
        NUM_TRAINING: pa.array(counts.training.astype(np.int64)),
        SHARD: pa.array(counts.shards.astype(np.int64)),
    }
    if not features and not has_names:
        return pa.table(columns), _count(0, counts, [])
    nothing = Entity("", "", nothing_known(features))
    entities = [known.get(one, nothing) for one in counts.ids.to_pylist()]
    if has_names:
        columns[NAME] = pa.array([one.name for one in entities], pa.string())
    values = [one.values for one in entities]
    for place, feature in enumerate(features):
        is_number = feature.kind == "numeric"
        value_type = pa.float64() if is_number else pa.list_(pa.string())
        column = pa.array([value[place] for value in values], value_type)
        columns[feature.name] = column
    return pa.table(columns), _count(len(features), counts, values)


def nothing_known(features: Iterable[FeatureSpec]) -> tuple[FeatureValue, ...]:
    """Returns the values of an entity that no table tells of."""
    return tuple(None if f.kind == "numeric" else () for f in features)


def _count(
    number: int, counts: EntityCounts, values: list[tuple[FeatureValue, ...]]
) -> EntityValues:
    def of(places: Ints) -> list[tuple[FeatureValue, ...]]:
        return [values[place] for place in places.tolist()] if values else []

    return EntityValues(
        count_by_feature(of(np.flatnonzero(counts.training)), number),
        [
            count_by_feature(of(counts.are_in(part)), number)
            for part in range(len(schema.SPLITS))
        ],
    )
