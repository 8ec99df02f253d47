"""The tasks of one shard by column: what flows on instead of single tasks."""

import dataclasses

import pyarrow as pa

from transforms.reading.coded_column import CodedColumn, Ints
from transforms.schema import LATER, NO_TASK, SPLITS
from transforms.specs import SplitSpec

# Where pairs of a user can be: in a split, or learnt from without a task.
PARTS = (*SPLITS, NO_TASK, LATER)


def parts_of(split: SplitSpec) -> tuple[str, ...]:
    """Returns what there are files of: without times nothing is later than a split."""
    return PARTS if split.starts else tuple(part for part in PARTS if part != LATER)


@dataclasses.dataclass(frozen=True)
class Tasks:
    """Tasks in the order of their ids, users without a task among them.

    Later pairs of a user stand as another task behind that of the user.

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
