"""What the whole data set needs to know of each shard's tasks: counts and sums."""

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from transforms.entities.value_counts import ValueCounts
from transforms.ratings.episodes import PAIR_REASONS, TaskShard
from transforms.ratings.tasks import PARTS, Tasks
from transforms.reading.coded_column import CodedColumn, Ints
from transforms.row_counts import RowCounts
from transforms.schema import TRAINING_PARTS


@dataclasses.dataclass
class SplitSummary:
    """Counts of one split.

    Attributes:
        support: Labels of the support sets.
        query: Labels of the query sets.
    """

    support: ValueCounts = dataclasses.field(default_factory=ValueCounts)
    query: ValueCounts = dataclasses.field(default_factory=ValueCounts)

    @property
    def num_tasks(self) -> int:
        """Its tasks."""
        return self.support.sizes.total()

    @property
    def num_interactions(self) -> int:
        """Pairs in all."""
        return self.support.values.total() + self.query.values.total()

    def merge(self, other: Self) -> None:
        """Adds the counts of another shard."""
        self.support.merge(other.support)
        self.query.merge(other.query)


@dataclasses.dataclass(frozen=True)
class TasksSummary:
    """Counts of all tasks of a shard, or of all shards.

    Attributes:
        splits: By part; every one of `PARTS` is there.
        num_dropped: Legal tasks and pairs left out, by reason.
        num_refused: Rows that repeat a pair.
    """

    splits: dict[str, SplitSummary]
    num_dropped: Counter[str]
    num_refused: Counter[str]

    def label_counts(self) -> Counter[float]:
        """Returns the labels that are learnt from."""
        parts = (self.splits[part].support.values for part in TRAINING_PARTS)
        return sum(parts, Counter[float]())

    def row_counts(self) -> RowCounts:
        """Returns what became of the interactions that the parser took."""
        return RowCounts(
            used=sum(split.num_interactions for split in self.splits.values()),
            left_out=+Counter({r: self.num_dropped[r] for r in PAIR_REASONS}),
            refused=Counter(self.num_refused),
        )


def summarize(shard: TaskShard) -> TasksSummary:
    """Returns the counts of one shard."""
    splits = {
        part: _split_summary(shard.tasks, shard.tasks.parts == place)
        for place, part in enumerate(PARTS)
    }
    return TasksSummary(splits, shard.num_dropped, shard.num_refused)


def merge_summaries(summaries: Iterable[TasksSummary]) -> TasksSummary:
    """Returns the counts of all shards, whatever their order."""
    splits = {part: SplitSummary() for part in PARTS}
    num_dropped, num_refused = Counter[str](), Counter[str]()
    for summary in summaries:
        for part, split in summary.splits.items():
            splits[part].merge(split)
        num_dropped.update(summary.num_dropped)
        num_refused.update(summary.num_refused)
    return TasksSummary(splits, num_dropped, num_refused)


def _split_summary(tasks: Tasks, are_in: npt.NDArray[np.bool_]) -> SplitSummary:
    """Returns the counts of the tasks that are in a split."""
    sizes = np.diff(tasks.ends, prepend=0)
    is_query = np.arange(len(tasks.codes)) < np.repeat(
        tasks.ends - sizes + tasks.num_query, sizes
    )
    is_in = np.repeat(are_in, sizes)
    return SplitSummary(
        ValueCounts(
            _sizes((sizes - tasks.num_query)[are_in]),
            _label_counts(tasks.labels, is_in & ~is_query),
        ),
        ValueCounts(
            _sizes(tasks.num_query[are_in]),
            _label_counts(tasks.labels, is_in & is_query),
        ),
    )


def _label_counts(labels: CodedColumn, chosen: npt.NDArray[Any]) -> Counter[float]:
    counts = np.bincount(labels.codes[chosen], minlength=len(labels.values))
    pairs = zip(labels.values.tolist(), counts.tolist(), strict=True)
    result: Counter[float] = Counter()
    for label, count in pairs:  # 0.0 and -0.0 are one here.
        if count:
            result[label] += count
    return result


def _sizes(sizes: Ints) -> Counter[int]:
    values, counts = np.unique(sizes, return_counts=True)
    return Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))
