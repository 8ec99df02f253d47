"""The tasks of one shard by column: what flows on instead of single tasks."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import pyarrow as pa

from transforms.reading.coded_column import CodedColumn, Ints
from transforms.schema import NO_TASK, SPLITS

# Where a user can be: in a split, or learnt from without a task.
PARTS = (*SPLITS, NO_TASK)


class Pairs(NamedTuple):
    """Labelled pairs of one task, by column."""

    items: list[str]
    labels: list[float]


class Task(NamedTuple):
    """One task, or a user without one; ids as they came in.

    Attributes:
        task_id: The user id.
        split: Its split, or `NO_TASK`.
        support: Labelled pairs that the context may be made from.
        query: Pairs held out, to be scored; none of a user without a task.
    """

    task_id: str
    split: str
    support: Pairs
    query: Pairs


@dataclasses.dataclass(frozen=True)
class Tasks:
    """Tasks in the order of their ids, users without a task among them.

    Attributes:
        task_ids: The user ids.
        parts: Place in `PARTS` of each.
        ends: Where the pairs of each end; those of the next one start there.
        num_query: Query pairs of each, which come before the support pairs.
        items: The different item ids, a pyarrow array of texts.
        codes: Place of the item of each pair.
        labels: Label of each pair.
    """

    task_ids: list[str]
    parts: Ints
    ends: Ints
    num_query: Ints
    items: pa.Array
    codes: Ints
    labels: CodedColumn

    def __len__(self) -> int:
        return len(self.task_ids)

    def to_list(self) -> list[Task]:
        """Returns the single tasks."""
        items = self.items.take(pa.array(self.codes)).to_pylist()
        labels = self.labels.to_list()
        tasks, start = [], 0
        columns = (self.parts, self.num_query, self.ends)
        rows = zip(self.task_ids, *(c.tolist() for c in columns), strict=True)
        for task_id, part, num_query, end in rows:
            middle = start + num_query
            query = Pairs(items[start:middle], labels[start:middle])
            support = Pairs(items[middle:end], labels[middle:end])
            tasks.append(Task(task_id, PARTS[part], support, query))
            start = end
        return tasks
