"""What a prepared data set holds, and groups of its pairs, as reports show them."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.evaluation.scored_pairs import ScoredPairs
from transforms import schema

Counts = NDArray[np.int64]

_NUM_EXAMPLES = 5


@dataclasses.dataclass(frozen=True, eq=False)
class SplitFacts:
    """The tasks of one split.

    Attributes:
        split: Its name.
        support_sizes: int [T], support pairs of each task.
        query_sizes: int [T], query pairs of each.
        num_query_pairs: Query pairs in all.
        num_new_item_pairs: Query pairs on an item that meta-train has never seen.
        labels: Number of pairs by label; empty where there are none but clicks.
        pool_sizes: int [T], items of each scenario; empty where users are tasks.
    """

    split: str
    support_sizes: Counts
    query_sizes: Counts
    num_query_pairs: int
    num_new_item_pairs: int
    labels: Mapping[float, int]
    pool_sizes: Counts


@dataclasses.dataclass(frozen=True, eq=False)
class DataFacts:
    """A prepared data set in figures.

    Attributes:
        info: What its preparation says of it.
        sizes: What was read, by name.
        examples: Some refused rows, as they are stored.
        user_counts: int [N + 1], interactions of each user that can be learned from.
        item_counts: int [M + 1], the same of each item.
        splits: The splits.
        chosen: Of what was fitted before the training, the values that meta-validation
            chose, by their key.
    """

    info: schema.CommonInfo
    sizes: Mapping[str, int]
    examples: Sequence[Mapping[str, object]]
    user_counts: Counts
    item_counts: Counts
    splits: Sequence[SplitFacts]
    chosen: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def new_item_share(self) -> float:
        """The share of items that meta-train has never seen, in [0, 1]."""
        return float((self.item_counts[1:] == 0).mean())

    def split(self, name: str) -> SplitFacts | None:
        """Returns a split by its name, None if it has no tasks."""
        return next((one for one in self.splits if one.split == name), None)


def rejected_examples(dataset_dir: pathlib.Path) -> Iterator[Mapping[str, object]]:
    """Yields some refused rows."""
    left = _NUM_EXAMPLES
    for path in sorted((dataset_dir / schema.REJECTED_DIR).glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if not left:
                    return
                left -= 1
                yield json.loads(line)


@dataclasses.dataclass(frozen=True, eq=False)
class PairGroup:
    """Some of the tasks, users or items.

    Attributes:
        kind: What distinguishes the groups.
        label: Which one it is.
        of: What `members` are rows of: "task", "user" or "item".
        members: bool [rows], the members.
    """

    kind: str
    label: str
    of: str
    members: NDArray[np.bool_]

    def holds(self, pairs: ScoredPairs) -> NDArray[np.bool_]:
        """Returns which pairs are of the group, bool [N]."""
        return self.members[getattr(pairs, self.of)]
