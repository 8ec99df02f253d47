"""What the catalogue needs to know of users and tasks: counts of each."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from transforms.clicks.tasks import ScenarioTask
from transforms.clicks.user_clicks import UserShard
from transforms.row_counts import RowCounts, merge_counts


@dataclasses.dataclass
class UsersSummary:
    """Counts of one shard of users, or of all.

    Attributes:
        users: Known clicks by user, zeros included.
        items: Known clicks by item, zeros of held-out ones included.
        pairs: Pairs by item, known or held out.
        num_held_out: Held-out pairs.
        counts: What became of the rows of each log.
        scenarios: Rows of each scenario that a log says.
    """

    users: Counter[str] = dataclasses.field(default_factory=Counter)
    items: Counter[str] = dataclasses.field(default_factory=Counter)
    pairs: Counter[str] = dataclasses.field(default_factory=Counter)
    num_held_out: int = 0
    counts: dict[str, RowCounts] = dataclasses.field(default_factory=dict)
    scenarios: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, shard: UserShard) -> None:
        """Counts a shard."""
        for user in shard.users:
            self.users[user.user_id] += len(user.known)
            for item_id in user.known:
                self.items[item_id] += 1
                self.pairs[item_id] += 1
            for item_ids in user.held_out.values():
                self.items.update(dict.fromkeys(item_ids, 0))
                self.pairs.update(item_ids)
                self.num_held_out += len(item_ids)
        merge_counts(self.counts, shard.counts)
        self.scenarios.update(shard.scenarios)

    def merge(self, other: UsersSummary) -> None:
        """Adds the counts of other shards."""
        self.users.update(other.users)
        self.items.update(other.items)
        self.pairs.update(other.pairs)
        self.num_held_out += other.num_held_out
        merge_counts(self.counts, other.counts)
        self.scenarios.update(other.scenarios)


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
    summary = UsersSummary()
    summary.add(shard)
    return summary


def merge_users(parts: Iterable[UsersSummary]) -> UsersSummary:
    """Returns the counts of all shards, whatever their order."""
    merged = UsersSummary()
    for part in parts:
        merged.merge(part)
    return merged


def summarize_task(task: ScenarioTask) -> TaskSummary:
    """Returns what the catalogue needs to know of a task."""
    return TaskSummary(
        task.scenario_id,
        task.split,
        task.pool,
        len(task.support.items),
        len(task.query.items),
    )
