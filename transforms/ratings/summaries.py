"""What the whole data set needs to know of each shard's tasks: counts and sums."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable

from transforms.ratings.episodes import (
    PAIR_REASONS,
    Pairs,
    Task,
    TaskShard,
    num_pairs,
)
from transforms.row_counts import RowCounts
from transforms.schema import NO_TASK, SPLITS, TRAINING_PARTS


@dataclasses.dataclass
class PairsSummary:
    """Counts of the labels in the support or in the query sets of one split.

    Attributes:
        label_counts: Occurrences by label.
        sizes: Tasks by number of pairs.
    """

    label_counts: Counter[float] = dataclasses.field(default_factory=Counter)
    sizes: Counter[int] = dataclasses.field(default_factory=Counter)

    def add(self, pairs: Pairs) -> None:
        """Counts one task."""
        self.label_counts.update(pairs.labels)
        self.sizes[len(pairs.labels)] += 1

    def merge(self, other: PairsSummary) -> None:
        """Adds the counts of another shard."""
        self.label_counts.update(other.label_counts)
        self.sizes.update(other.sizes)


@dataclasses.dataclass
class SplitSummary:
    """Counts of one split.

    Attributes:
        support: Of the support sets.
        query: Of the query sets.
        task_ids: Its tasks.
        items: Pairs by item id, support and query.
        num_interactions: Pairs in all.
    """

    support: PairsSummary = dataclasses.field(default_factory=PairsSummary)
    query: PairsSummary = dataclasses.field(default_factory=PairsSummary)
    task_ids: list[str] = dataclasses.field(default_factory=list)
    items: Counter[str] = dataclasses.field(default_factory=Counter)
    num_interactions: int = 0

    def add(self, task: Task) -> None:
        """Counts one task."""
        self.support.add(task.support)
        self.query.add(task.query)
        self.task_ids.append(task.task_id)
        self.items.update(task.support.items)
        self.items.update(task.query.items)
        self.num_interactions += num_pairs(task)

    def merge(self, other: SplitSummary) -> None:
        """Adds the counts of another shard."""
        self.support.merge(other.support)
        self.query.merge(other.query)
        self.task_ids += other.task_ids
        self.items.update(other.items)
        self.num_interactions += other.num_interactions


def _every_split() -> dict[str, SplitSummary]:
    return {split: SplitSummary() for split in (*SPLITS, NO_TASK)}


@dataclasses.dataclass
class TasksSummary:
    """Counts of all tasks of a shard, or of all shards.

    Attributes:
        splits: By split; every split is there, and `NO_TASK`.
        training_users: Pairs that are learnt from by user id.
        training_items: The same by item id.
        num_dropped: Legal tasks and pairs left out, by reason.
        num_refused: Rows that repeat a pair.
        users: Different pairs of each user, those left out too.
        items: Different pairs of each item, likewise.
    """

    splits: dict[str, SplitSummary] = dataclasses.field(default_factory=_every_split)
    training_users: Counter[str] = dataclasses.field(default_factory=Counter)
    training_items: Counter[str] = dataclasses.field(default_factory=Counter)
    num_dropped: Counter[str] = dataclasses.field(default_factory=Counter)
    num_refused: Counter[str] = dataclasses.field(default_factory=Counter)
    users: Counter[str] = dataclasses.field(default_factory=Counter)
    items: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, task: Task) -> None:
        """Counts one task."""
        self.splits[task.split].add(task)
        if task.split in TRAINING_PARTS:
            self.training_users[task.task_id] += len(task.support.items)
            self.training_items.update(task.support.items)

    def label_counts(self) -> Counter[float]:
        """Returns the labels that are learnt from."""
        parts = (self.splits[part].support.label_counts for part in TRAINING_PARTS)
        return sum(parts, Counter[float]())

    def merge(self, other: TasksSummary) -> None:
        """Adds the counts of another shard."""
        for split, summary in other.splits.items():
            self.splits[split].merge(summary)
        self.training_users.update(other.training_users)
        self.training_items.update(other.training_items)
        for name in ("num_dropped", "num_refused", "users", "items"):
            getattr(self, name).update(getattr(other, name))

    def row_counts(self) -> RowCounts:
        """Returns what became of the interactions that the parser took."""
        return RowCounts(
            used=sum(split.num_interactions for split in self.splits.values()),
            left_out=+Counter({r: self.num_dropped[r] for r in PAIR_REASONS}),
            refused=Counter(self.num_refused),
        )


def summarize(shard: TaskShard) -> TasksSummary:
    """Returns the counts of one shard."""
    summary = TasksSummary(
        num_dropped=Counter(shard.num_dropped),
        num_refused=shard.num_refused,
        users=shard.users,
        items=shard.items,
    )
    for task in shard.tasks:
        summary.add(task)
    return summary


def merge_summaries(summaries: Iterable[TasksSummary]) -> TasksSummary:
    """Returns the counts of all shards, whatever their order."""
    merged = TasksSummary()
    for summary in summaries:
        merged.merge(summary)
    return merged
