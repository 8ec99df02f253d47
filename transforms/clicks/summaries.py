"""What the catalogue needs to know of users and tasks: counts of each."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from transforms.clicks.click_pairs import ClickCounts
from transforms.clicks.scenario_task import ScenarioTask
from transforms.clicks.scenario_users import KNOWN
from transforms.clicks.user_clicks import UserShard
from transforms.entities.entity_counts import EntityCounts, merge_counts_of_entities
from transforms.reading.coded_column import small
from transforms.row_counts import merge_counts


@dataclasses.dataclass(frozen=True)
class UsersSummary:
    """Counts of one shard of users, or of all.

    Attributes:
        users: Of each user the pairs, and of those the known ones, which are learnt
            from.
        items: The same of each item.
        counts: What became of the rows.
    """

    users: EntityCounts
    items: EntityCounts
    counts: ClickCounts


@dataclasses.dataclass(frozen=True)
class TaskSummary:
    """What the catalogue needs to know of a task.

    Attributes:
        scenario_id: The scenario.
        split: Its split.
        pool: Its items.
        num_support: Support clicks.
        num_query: Held-out clicks.
    """

    scenario_id: str
    split: str
    pool: Sequence[str]
    num_support: int
    num_query: int


def summarize_users(shard: UserShard) -> UsersSummary:
    """Returns the counts of one shard of users."""
    pairs = shard.split.pairs
    is_known = shard.split.roles == KNOWN
    users, items = (
        EntityCounts(
            ids,
            small(np.bincount(places, minlength=len(ids))),
            small(np.bincount(places[is_known], minlength=len(ids))),
            np.zeros(len(ids), np.uint8),
        )
        for ids, places in ((pairs.users, pairs.owners), (pairs.items, pairs.codes))
    )
    return UsersSummary(users, items, shard.counts)


def merge_users(parts: Iterable[UsersSummary]) -> UsersSummary:
    """Returns the counts of all shards, whatever their order."""
    parts = list(parts)
    counts = ClickCounts({}, Counter())
    for part in parts:
        merge_counts(counts.tables, part.counts.tables)
        counts.scenarios.update(part.counts.scenarios)
    return UsersSummary(
        merge_counts_of_entities(part.users for part in parts),
        merge_counts_of_entities(part.items for part in parts),
        counts,
    )


def summarize_task(task: ScenarioTask) -> TaskSummary:
    """Returns what the catalogue needs to know of a task."""
    return TaskSummary(
        task.scenario_id,
        task.split,
        task.pool,
        len(task.support.items),
        len(task.query.items),
    )
