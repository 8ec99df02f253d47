"""What the catalogue needs to know of users and tasks: counts of each."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

from transforms.clicks.click_pairs import ClickCounts
from transforms.clicks.scenario_task import ScenarioTask
from transforms.clicks.user_clicks import UserShard
from transforms.row_counts import merge_counts


@dataclasses.dataclass(frozen=True)
class UsersSummary:
    """Counts of one shard of users, or of all.

    Attributes:
        num_known: Pairs that are learnt from.
        num_held_out: The other pairs.
        counts: What became of the rows.
    """

    num_known: int
    num_held_out: int
    counts: ClickCounts


@dataclasses.dataclass(frozen=True)
class TaskSummary:
    """What the catalogue needs to know of a task.

    Attributes:
        scenario_id: The scenario.
        split: Its split.
        pool_size: Its items.
        num_support: Support clicks.
        num_query: Held-out clicks.
    """

    scenario_id: str
    split: str
    pool_size: int
    num_support: int
    num_query: int


def summarize_users(shard: UserShard) -> UsersSummary:
    """Returns the counts of one shard of users."""
    num_known = int(shard.split.is_known.sum())
    return UsersSummary(num_known, len(shard.split.roles) - num_known, shard.counts)


def merge_users(parts: Iterable[UsersSummary]) -> UsersSummary:
    """Returns the counts of all shards, whatever their order."""
    num_known = num_held_out = 0
    counts = ClickCounts({}, Counter())
    for part in parts:
        num_known += part.num_known
        num_held_out += part.num_held_out
        merge_counts(counts.tables, part.counts.tables)
        counts.scenarios.update(part.counts.scenarios)
    return UsersSummary(num_known, num_held_out, counts)


def summarize_task(task: ScenarioTask) -> TaskSummary:
    """Returns what the catalogue needs to know of a task."""
    return TaskSummary(
        task.scenario_id,
        task.split,
        len(task.pool),
        len(task.support.items),
        len(task.query.items),
    )
