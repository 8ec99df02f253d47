"""The clicks of each user to a task, where users are tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from transforms.clicks.ids import raw_ids
from transforms.clicks.scenario_task import Clicks, ScenarioTask
from transforms.clicks.scenario_users import KNOWN, LATER
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.clicks.tasks import (
    CLICK_OVER_LIMIT,
    DROPPED,
    TASK_NOT_IN_SPLIT_FILE,
    TASKS,
    reason_to_drop,
)
from transforms.clicks.user_clicks import SplitPairs, UserShard
from transforms.reading.coded_column import Ints, small
from transforms.schema import META_TRAIN
from transforms.stable_hash import digest_numbers, joined_texts, stable_digests
from transforms.writing.counts import count_dropped

_TASKS = Metrics.counter("cmml", "tasks")


class BuildUserTasks(beam.DoFn):
    """Makes a task of each user, unless they have too few clicks.

    Input: `UserShard`s.
    Output: `ScenarioTask`s of kind `tasks`; of kind `dropped` a `Counter` of what was
        left out, clicks or users, by reason.

    Args:
        spec: The data set.
    """

    def __init__(self, spec: ScenarioDatasetSpec) -> None:
        super().__init__()
        self._spec = spec

    def process(self, shard: UserShard) -> Iterator[tuple[str, Any]]:
        """Makes the tasks of one shard."""
        split, limits = shard.split, self._spec.episodes
        dropped: Counter[str] = Counter()
        order = _order(split, self._spec)
        sizes = np.bincount(split.pairs.owners, minlength=len(split.user_splits))
        parts = np.split(order, np.cumsum(sizes))[:-1]  # None where nobody is.
        for user, clicks in enumerate(parts):
            name = split.user_splits[user]
            if name is None:
                dropped[TASK_NOT_IN_SPLIT_FILE] += 1
                continue
            clicks = clicks[split.roles[clicks] != LATER]
            task = _task_of(split, user, clicks, self._spec)
            reason = reason_to_drop(task.num_known, len(task.query.items), name, limits)
            if reason is not None:
                dropped[reason] += 1
                dropped[f"click_of_task_with_{reason}"] += len(clicks)
                continue
            if name == META_TRAIN:
                dropped[CLICK_OVER_LIMIT] += task.num_known - len(task.support.items)
            _TASKS.inc()
            yield TASKS, task
        count_dropped(dropped)
        yield DROPPED, +dropped


def _order(split: SplitPairs, spec: ScenarioDatasetSpec) -> Ints:
    """Returns the pairs user after user, those of one in a random order or by time.

    The random order is decided by the seed, the user and the item alone.
    """
    pairs, names = split.pairs, spec.domain_names
    users = raw_ids(pairs.users, names).take(pa.array(pairs.owners))
    items = raw_ids(pairs.items, names).take(pa.array(pairs.codes))
    digests = stable_digests(spec.split.seed, "order", last=joined_texts(users, items))
    by_time = (pairs.times,) if spec.episodes.order == "time" else ()
    return np.lexsort((digest_numbers(digests), *by_time, pairs.owners))


def _task_of(
    split: SplitPairs, user: int, clicks: Ints, spec: ScenarioDatasetSpec
) -> ScenarioTask:
    """Returns one user as a task.

    Args:
        split: The pairs of a shard.
        user: Their place.
        clicks: Places of their pairs, in the order of `spec.episodes`.
        spec: Sizes.
    """
    pairs, limits = split.pairs, spec.episodes
    name = split.user_splits[user] or ""
    is_known = split.roles[clicks] == KNOWN
    places = np.arange(len(clicks))  # Of items: each pair has another one.
    known, query = places[is_known], places[~is_known]
    is_train = name == META_TRAIN
    most = limits.max_clicks_per_scenario if is_train else limits.support_size
    by_time = limits.order == "time" and not is_train
    support = known[-most:] if by_time else known[:most]
    others = known[:0] if is_train or not len(query) else known
    user_id = pairs.users[user].as_py()
    return ScenarioTask(
        user_id,
        name,
        pairs.items.take(pa.array(pairs.codes[clicks])).to_pylist(),
        pa.array([user_id], pa.string()),
        _clicks(support, split.folds[clicks[support]]),
        _clicks(query, query[:0]),
        small(np.zeros_like(others)),
        small(others),
        num_known=len(known),
        num_without_negative=0,
        is_open=True,
    )


def _clicks(items: Ints, folds: Ints) -> Clicks:
    """Returns clicks of the only user, without negatives."""
    users, negatives = np.zeros_like(items), np.zeros([len(items), 0], np.int64)
    return Clicks(small(users), small(items), small(folds), negatives)
