"""What the catalogue needs to know of users and tasks: counts of each."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from transforms.clicks.tasks import ScenarioTask
from transforms.clicks.user_clicks import UserShard


@dataclasses.dataclass
class UsersSummary:
    """Counts of one shard of users, or of all.

    Attributes:
        users: Known clicks by user, zeros included.
        items: Known clicks by item, zeros of held-out ones included.
        num_rows: Rows of the log.
        num_held_out: Held-out pairs.
        num_dropped: Legal clicks left out, by reason.
    """

    users: Counter[str] = dataclasses.field(default_factory=Counter)
    items: Counter[str] = dataclasses.field(default_factory=Counter)
    num_rows: int = 0
    num_held_out: int = 0
    num_dropped: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, shard: UserShard) -> None:
        """Counts a shard."""
        for user in shard.users:
            self.users[user.user_id] += len(user.known)
            for item_id in user.known:
                self.items[item_id] += 1
            for item_ids in user.held_out.values():
                self.items.update(dict.fromkeys(item_ids, 0))
                self.num_held_out += len(item_ids)
        self.num_rows += shard.num_rows
        self.num_dropped.update(shard.num_dropped)

    def merge(self, other: UsersSummary) -> None:
        """Adds the counts of other shards."""
        self.users.update(other.users)
        self.items.update(other.items)
        self.num_rows += other.num_rows
        self.num_held_out += other.num_held_out
        self.num_dropped.update(other.num_dropped)


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
