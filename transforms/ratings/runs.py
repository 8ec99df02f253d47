"""What is known of the users, or of the items, of one partition of ratings."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from transforms.entities.entities import Entity, EntityBlock, merge_entities
from transforms.entities.entity_counts import (
    EntityCounts,
    merge_counts_of_entities,
    without_counts,
)
from transforms.entities.entity_runs import (
    EntityRun,
    JoinKey,
    PartedIds,
    Partition,
    RunSummary,
    rows_of,
)
from transforms.entities.forms_of_ids import count_forms_of_ids
from transforms.entities.vocabularies import order_of_ids
from transforms.join_counts import count_forms, count_join
from transforms.joins import SPLIT_FILE
from transforms.ratings.episodes import TaskShard
from transforms.ratings.interactions import INTERACTIONS
from transforms.specs import DatasetSpec
from transforms.writing.entity_files import ITEM, USER

TABLE_OF = {USER: "users", ITEM: "items"}  # What refused rows and joins call them.


def entities_of_shard(shard: TaskShard) -> Iterator[tuple[str, EntityCounts]]:
    """Yields what a shard knows of its users and items, by kind."""
    yield USER, shard.users
    yield ITEM, shard.items


class RatingRuns:
    """Makes runs of users and items; see `MakeRuns`.

    Those in tasks have a row, and those that a table tells of.

    Args:
        spec: The data set.
        listed: Users that a split file names; None if there is none.
    """

    def __init__(self, spec: DatasetSpec, listed: Collection[str] | None) -> None:
        self._spec = spec
        self._listed = None if listed is None else PartedIds(listed)

    def raw_ids(self, ids: pa.Array) -> pa.Array:
        """Returns the ids themselves."""
        return ids

    def run(
        self,
        kind: str,
        partition: Partition,
        counts: Sequence[EntityCounts],
        blocks: Mapping[str, Sequence[EntityBlock]],
    ) -> EntityRun:
        """Joins the counts of all shards, and the rows of the table."""
        name = TABLE_OF[kind]
        spec = self._spec.users if kind == USER else self._spec.items
        known, rejected, table_rows = merge_entities(blocks.get(name, ()), spec)
        rated = merge_counts_of_entities(counts)
        in_tasks = rated.take(np.flatnonzero(rated.parts))
        all_rows = merge_counts_of_entities([in_tasks, without_counts(known)])
        rows, values = rows_of(
            spec.features,
            all_rows.take(order_of_ids(all_rows.ids)),
            known,
            has_names=spec.name_column is not None,
        )
        summary = RunSummary(Counter({"": len(all_rows)}), values)
        if spec.table is not None:
            summary.table_rows[name] = table_rows
        self._add_joins(summary, kind, partition, rated, known)
        return EntityRun(rows, summary, rejected)

    def _add_joins(
        self,
        summary: RunSummary,
        kind: str,
        partition: Partition,
        rated: EntityCounts,
        known: Mapping[str, Entity],
    ) -> None:
        """Looks ids up: of interactions in the table, of a split file in them."""
        name = TABLE_OF[kind]
        forms = count_forms_of_ids(rated.ids, rated.pairs)
        summary.add_forms(name, INTERACTIONS, forms)
        summary.add_forms(name, name, count_forms(dict.fromkeys(known, 1)))
        if name in summary.table_rows:
            counts = count_join(rated.pairs_by_id(), known)
            summary.joins[JoinKey(name, INTERACTIONS, name)] = counts
        if kind == USER and self._listed is not None:
            listed = dict.fromkeys(self._listed.of(partition), 1)
            counts = count_join(listed, set(rated.ids.to_pylist()))
            summary.joins[JoinKey(name, SPLIT_FILE, INTERACTIONS)] = counts
