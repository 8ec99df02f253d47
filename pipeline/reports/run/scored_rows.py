"""What a method was judged by, a row for each pair that was asked for.

Both settings come to the same form: a pair has a value, the mean over the pairs of a
user is that user's metric, the mean over its users that of a task. With users as tasks
the value is the absolute error. With scenarios it is 1 where a held-out click is among
the first 20, so that the mean over the clicks of a user is recall@20.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.evaluation.intervals import Floats
from models.evaluation.rating_metrics import Bools

Rows = NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredRows:
    """The pairs of one method in one group of tasks.

    Attributes:
        task: int [N], place of the task of each pair in the list of all tasks.
        user: int [N], rows of the user table.
        item: int [N], rows of the item table.
        support_size: int [N], support pairs that the method was shown.
        value: float64 [N], what the metric is the mean of.
        others: What only one setting has, [N] each: "label" and "score", or "rank" and
            "num_candidates".
    """

    task: Rows
    user: Rows
    item: Rows
    support_size: Rows
    value: Floats
    others: Mapping[str, NDArray]

    @functools.cached_property
    def _users(self) -> tuple[Rows, Rows]:
        """The task of each different user of a task, and the place of each pair."""
        keys = self.task * (int(self.user.max(initial=0)) + 1) + self.user
        _, first, place = np.unique(keys, return_index=True, return_inverse=True)
        return self.task[first], place.reshape(-1)

    def by_task(self, num_tasks: int, chosen: Bools | None = None) -> Floats:
        """Returns the metric of each task over some of the pairs.

        Args:
            num_tasks: T, all tasks.
            chosen: bool [N], the pairs that count; all if None.

        Returns:
            float64 [T], NaN for a task without such a pair.
        """
        task_of_user, place = self._users
        rows = slice(None) if chosen is None else chosen
        num_users = len(task_of_user)
        counts = np.bincount(place[rows], minlength=num_users)
        sums = np.bincount(place[rows], self.value[rows], minlength=num_users)
        seen = counts > 0
        tasks = task_of_user[seen]
        num_seen = np.bincount(tasks, minlength=num_tasks)
        means = np.bincount(tasks, sums[seen] / counts[seen], minlength=num_tasks)
        found: Floats = means / np.where(num_seen > 0, num_seen, np.nan)
        return found

    def select(self, chosen: NDArray) -> ScoredRows:
        """Returns some of the pairs, by mask or by place."""
        columns = {
            field.name: getattr(self, field.name)[chosen]
            for field in dataclasses.fields(self)
            if field.name != "others"
        }
        others = {name: values[chosen] for name, values in self.others.items()}
        return ScoredRows(**columns, others=others)

    def of_users_in(self, other: ScoredRows) -> ScoredRows:
        """Returns the pairs whose task and user stand in other rows too."""
        width = max(self.user.max(initial=0), other.user.max(initial=0)) + 1
        wanted = np.unique(other.task * width + other.user)
        return self.select(np.isin(self.task * width + self.user, wanted))


def join(parts: list[ScoredRows]) -> ScoredRows:
    """Returns the pairs of several groups, one after the other."""
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in dataclasses.fields(ScoredRows)
        if field.name != "others"
    }
    others = {
        name: np.concatenate([part.others[name] for part in parts])
        for name in parts[0].others
    }
    return ScoredRows(**columns, others=others)


def codes(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], list[str]]:
    """Returns a column of text as places in the list of its values.

    Args:
        column: Text.

    Returns:
        int [N], and the different values in their order.
    """
    encoded = pc.dictionary_encode(column.combine_chunks())
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    places = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return places, encoded.dictionary.to_pylist()


def rows_of(column: pa.ChunkedArray, ids: NDArray) -> Rows:
    """Returns the row of each id of a column in its table, 0 for an unknown one.

    Args:
        column: Ids as text.
        ids: The ids of the table by row.
    """
    places, values = codes(column)
    known = {text: row for row, text in enumerate(ids)}
    return np.array([known.get(text, 0) for text in values], np.int64)[places]
