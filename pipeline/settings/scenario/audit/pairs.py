"""Pairs of a task as numbers that can be compared."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_records import ScenarioTask


def pair_keys(user: NDArray[np.integer], item: NDArray[np.integer]) -> NDArray:
    """Returns one int64 for each pair of rows, different for different pairs."""
    return (user.astype(np.int64) << 32) | item.astype(np.int64)


def keys_of(tasks: Sequence[ScenarioTask], role: str) -> NDArray:
    """Returns the keys of all "support", "query" or "known" pairs of tasks."""
    parts = [
        pair_keys(getattr(task, f"{role}_user"), getattr(task, f"{role}_item"))
        for task in tasks
    ]
    return np.concatenate([np.empty(0, np.int64), *parts])


def negatives_of(
    tasks: Iterable[ScenarioTask], role: str
) -> Iterator[tuple[ScenarioTask, NDArray]]:
    """Yields each task with the keys of its negatives, with the users of the clicks."""
    for task in tasks:
        items = getattr(task, f"{role}_negative")
        users = getattr(task, f"{role}_user")[:, np.newaxis]
        yield task, pair_keys(np.broadcast_to(users, items.shape), items)


def places_of(task: ScenarioTask, items: NDArray) -> NDArray:
    """Returns where items are in the pool of their task."""
    return np.searchsorted(task.pool, items)
