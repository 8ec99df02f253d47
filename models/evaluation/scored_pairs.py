"""What a method answered, a row a pair, in either setting."""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.evaluation.label_gain import LabelGain

Column = NDArray[np.generic]


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredPairs:
    """The query pairs of T tasks with their scores.

    Attributes:
        task_ids: T ids as they came in, of tasks with or without a pair.
        task: int [N], place of the task of each pair in `task_ids`; pairs of a task
            are in the order of its query.
        user: int [N], rows of the user table.
        item: int [N], rows of the item table.
        support_size: int [N], support pairs that the method was shown of the task.
        score: float [N], in the unit of the label, or only in its order.
        label: float [N]; None where pairs are clicks.
        median: float [N], the median of the predicted distribution.
        gain: float [N], what orders pairs by the gain to be expected of them.
        log_likelihood: float [N], log of how likely the label was said to be.
        coverage: float [N], the share of the label's probability that is within the
            central 80 % of the distribution, over that probability.
        rank: int [N], rank of a held-out click among the candidates of its user, from
            1, the best of those that equal scores share; None where pairs are rated.
        num_tied: int [N], candidates of its score, itself included; None alike.
        num_candidates: int [N], candidates in all; None alike.
        label_gain: What labels are worth in NDCG; None where pairs are clicks.

    The columns of a distribution are None where a method predicts none.
    """

    task_ids: Sequence[str]
    task: NDArray[np.int64]
    user: NDArray[np.int32]
    item: NDArray[np.int32]
    support_size: NDArray[np.int64]
    score: NDArray[np.float32]
    label: NDArray[np.float32] | None = None
    median: NDArray[np.float32] | None = None
    gain: NDArray[np.float32] | None = None
    log_likelihood: NDArray[np.float32] | None = None
    coverage: NDArray[np.float32] | None = None
    rank: NDArray[np.int64] | None = None
    num_tied: NDArray[np.int64] | None = None
    num_candidates: NDArray[np.int64] | None = None
    label_gain: LabelGain | None = None

    @property
    def num_tasks(self) -> int:
        """T, tasks with or without a pair."""
        return len(self.task_ids)

    def select(self, chosen: NDArray) -> Self:
        """Returns some of the pairs, by mask or by place, of the same tasks."""
        return dataclasses.replace(
            self, **{name: column[chosen] for name, column in self.columns().items()}
        )

    def of_tasks(self, chosen: NDArray[np.bool_]) -> Self:
        """Returns the pairs of some tasks; the others are there without a pair.

        Args:
            chosen: bool [T].
        """
        return self.select(chosen[self.task])

    def columns(self) -> dict[str, Column]:
        """Returns the columns that there are, by name."""
        others = ("task_ids", "label_gain")
        names = [f.name for f in dataclasses.fields(self) if f.name not in others]
        columns = {name: getattr(self, name) for name in names}
        return {name: value for name, value in columns.items() if value is not None}

    def padded(self, *names: str) -> tuple[list[Column], NDArray[np.bool_]]:
        """Lays columns out with a row a task.

        Args:
            *names: Of columns.

        Returns:
            The columns [T, Q], and the mask bool [T, Q], False for padding.
        """
        counts = np.bincount(self.task, minlength=self.num_tasks)
        mask = np.arange(counts.max(initial=0)) < counts[:, np.newaxis]
        order = np.argsort(self.task, kind="stable")
        columns = []
        for name in names:
            values = getattr(self, name)
            rows = np.zeros(mask.shape, values.dtype)
            rows[mask] = values[order]
            columns.append(rows)
        return columns, mask


def join_pairs(
    parts: Sequence[ScoredPairs], *, same_tasks: bool = False
) -> ScoredPairs:
    """Returns the pairs of several groups, one after the other.

    Args:
        parts: The groups, which have the same columns.
        same_tasks: Whether they are of one list of tasks; the tasks are otherwise
            counted on from one group to the next.
    """
    columns = {
        name: np.concatenate([part.columns()[name] for part in parts])
        for name in parts[0].columns()
    }
    if same_tasks:
        return ScoredPairs(parts[0].task_ids, **columns, label_gain=parts[0].label_gain)
    starts = np.cumsum([0, *(part.num_tasks for part in parts[:-1])])
    columns["task"] = np.concatenate(
        [part.task + start for part, start in zip(parts, starts, strict=True)]
    )
    task_ids = [task_id for part in parts for task_id in part.task_ids]
    return ScoredPairs(task_ids, **columns, label_gain=parts[0].label_gain)
