"""Interactions of one shard to tasks, each with its support and query pairs."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.metrics import Metrics

from transforms.entities.entity_counts import EntityCounts
from transforms.ratings.interactions import InteractionBlock
from transforms.ratings.tasks import PARTS, Tasks
from transforms.ratings.user_pairs import REPEATED_PAIR, UserPairs, pairs_of_users
from transforms.reading.coded_column import Floats, Ints, small
from transforms.reading.grouping import group_by_shard, of_kinds
from transforms.reading.rejected_row import REJECTED
from transforms.schema import LATER, META_TRAIN, NO_TASK, TRAINING_PARTS
from transforms.specs import DatasetSpec, EpisodeSpec
from transforms.splits import TaskSplitter
from transforms.stable_hash import digest_numbers, stable_digests, stable_fraction
from transforms.writing.counts import count_dropped

# Reasons of `num_dropped`: legal, but left out.
TASK_TOO_SMALL = "task_too_small"
TASK_NOT_IN_SPLIT_FILE = "task_not_in_split_file"
PAIR_OF_TASK_TOO_SMALL = "pair_of_task_too_small"
PAIR_OF_TASK_NOT_IN_SPLIT_FILE = "pair_of_task_not_in_split_file"
PAIR_OVER_LIMIT = "pair_over_limit"
PAIR_OF_NEW_ITEM = "pair_of_new_item"

PAIR_REASONS = (
    PAIR_OF_TASK_TOO_SMALL,
    PAIR_OF_TASK_NOT_IN_SPLIT_FILE,
    PAIR_OVER_LIMIT,
    PAIR_OF_NEW_ITEM,
    REPEATED_PAIR,
)

# Kind of output beside `REJECTED`.
_TASK_SHARD = "shard"

_TASKS = Metrics.counter("cmml", "tasks")

_LEFT_OUT = -1  # In place of a part.
_META_TRAIN = PARTS.index(META_TRAIN)
_NO_TASK, _LATER = PARTS.index(NO_TASK), PARTS.index(LATER)
_SUPPORT_ALONE = [_NO_TASK, _LATER]
_TRAINING = [PARTS.index(part) for part in TRAINING_PARTS]
_NO_LIMIT = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True)
class TaskShard:
    """The tasks of one shard.

    Attributes:
        shard: Its number.
        tasks: Its tasks.
        num_dropped: Legal tasks and pairs left out, by reason.
        num_refused: Rows refused here, by reason.
        users: Counts of its users, those without a task too.
        items: Counts of its items.
    """

    shard: int
    tasks: Tasks
    num_dropped: Counter[str]
    num_refused: Counter[str]
    users: EntityCounts
    items: EntityCounts


@beam.ptransform_fn
def build_shards(
    blocks: beam.PCollection, spec: DatasetSpec, splitter: TaskSplitter
) -> tuple[beam.PCollection, ...]:
    """Builds the tasks of each shard, and refuses the second row of a pair.

    Input: (shard, packed `InteractionBlock`).
    Output: `TaskShard`s, one for each shard even if it is empty; `RejectedRow`s.

    Args:
        blocks: The input.
        spec: The data set.
        splitter: Decides the split of each task.
    """
    pairs = (
        blocks
        | "ByShard" >> group_by_shard(spec.episodes.num_shards, b"")
        | "BuildShards" >> beam.ParDo(_BuildShard(spec, splitter))
    )
    return of_kinds(pairs, _TASK_SHARD, REJECTED)


def build_tasks(
    pairs: UserPairs, splitter: TaskSplitter, spec: EpisodeSpec
) -> tuple[Tasks, Counter[str]]:
    """Splits the pairs of each task into support and query.

    Pairs are taken up to the limit of the split, in a random order that only the seed,
    the user and the item decide: first the query, then the support. By time, the first
    ones are the support and the others the query; the random order then decides
    between pairs of one time. Later pairs of a user are all support, as are those of a
    user with too few for a task.

    Args:
        pairs: The pairs of each user, with times if they are taken by time.
        splitter: Decides the split of each task that time does not decide.
        spec: Sizes and order.

    Returns:
        The tasks, and what was left out by reason.
    """
    seed = splitter.spec.seed
    parts = np.array([_part(splitter, user) for user in pairs.users], np.int64)
    teach = np.array([splitter.may_teach(user) for user in pairs.users], np.bool_)
    without_task = np.where(teach, _NO_TASK, _LEFT_OUT)
    needed = spec.query_size + spec.min_support_size
    dropped: Counter[str] = Counter()
    if pairs.windows is not None:
        by_time = (*splitter.spec.starts, LATER)
        of_windows = np.array([PARTS.index(part) for part in by_time])
        parts = np.where(pairs.windows > 0, of_windows[pairs.windows - 1], parts)
        without_task[pairs.windows > 0] = _LATER
    num_pairs = pairs.num_pairs()
    is_listed = parts != _LEFT_OUT
    dropped[TASK_NOT_IN_SPLIT_FILE] = int((~is_listed).sum())
    dropped[PAIR_OF_TASK_NOT_IN_SPLIT_FILE] = int(num_pairs[~is_listed].sum())
    if spec.new_item_fraction:
        sees_all = np.where(
            num_pairs < needed, without_task != _NO_TASK, parts != _META_TRAIN
        )
        pairs = _without_new_items(pairs, sees_all | ~is_listed, spec, seed)
        dropped[PAIR_OF_NEW_ITEM] = int((num_pairs - pairs.num_pairs()).sum())
        num_pairs = pairs.num_pairs()
    is_small = is_listed & (parts != _LATER) & (num_pairs < needed)
    parts[is_small] = np.where(num_pairs > 0, without_task, _LEFT_OUT)[is_small]
    is_lost = is_small & (parts == _LEFT_OUT)
    dropped[TASK_TOO_SMALL] = int(is_small.sum())
    dropped[PAIR_OF_TASK_TOO_SMALL] = int(num_pairs[is_lost].sum())
    num_kept = np.minimum(num_pairs, _limits(parts, spec))
    dropped[PAIR_OVER_LIMIT] = int((num_pairs - num_kept)[parts != _LEFT_OUT].sum())
    in_time = spec.order == "time"
    tasks = _in_order(pairs, parts, num_kept, seed, by_time=in_time)
    num_query = np.where(np.isin(tasks.parts, _SUPPORT_ALONE), 0, spec.query_size)
    tasks = dataclasses.replace(tasks, num_query=small(num_query))
    return _query_first(tasks) if in_time else tasks, +dropped


def is_new_item(item_id: str, spec: EpisodeSpec, *, seed: int) -> bool:
    """Says whether meta-train is never to see an item."""
    return stable_fraction(seed, "new_item", item_id) < spec.new_item_fraction


def _part(splitter: TaskSplitter, user_id: str) -> int:
    split = splitter.split_of(user_id)
    return _LEFT_OUT if split is None else PARTS.index(split)


def _without_new_items(
    pairs: UserPairs, sees_all: Ints, spec: EpisodeSpec, seed: int
) -> UserPairs:
    """Returns the pairs without those of items that a user may not teach."""
    items = pairs.items.to_pylist()
    is_new = np.array([is_new_item(i, spec, seed=seed) for i in items], np.bool_)
    return pairs.take(np.flatnonzero(sees_all[pairs.owners] | ~is_new[pairs.codes]))


def _limits(parts: Ints, spec: EpisodeSpec) -> Ints:
    """Returns the most pairs of each user: none of one that is left out."""
    of_train = spec.max_interactions_per_meta_train_task or _NO_LIMIT
    of_others = spec.max_interactions_per_task or _NO_LIMIT
    limits = np.where(parts == _META_TRAIN, of_train, of_others)
    limits[np.isin(parts, _SUPPORT_ALONE)] = _NO_LIMIT
    limits[parts == _LEFT_OUT] = 0
    return limits


def _in_order(
    pairs: UserPairs, parts: Ints, num_kept: Ints, seed: int, *, by_time: bool
) -> Tasks:
    """Returns tasks whose pairs stand in the order of their digests, or of time.

    Those that are support alone stand in the order of the texts of their ids.
    """
    starts = np.cumsum(pairs.num_pairs()) - pairs.num_pairs()
    keys = [_sort_keys(pairs, parts, starts, seed)]
    if by_time:
        has_no_query = np.isin(parts, _SUPPORT_ALONE)[pairs.owners]
        keys.append(np.where(has_no_query, 0.0, _times(pairs)))
    order = np.lexsort((*keys, pairs.owners))
    is_kept = np.arange(len(order)) - starts[pairs.owners] < num_kept[pairs.owners]
    chosen = order[is_kept]
    are_tasks = np.flatnonzero(parts != _LEFT_OUT)
    return Tasks(
        [pairs.users[place] for place in are_tasks.tolist()],
        small(parts[are_tasks]),
        np.cumsum(num_kept[are_tasks]),
        np.zeros(0, np.int64),
        pairs.items,
        small(pairs.codes[chosen]),
        pairs.labels.take(chosen),
    )


def _times(pairs: UserPairs) -> Floats:
    assert pairs.times is not None  # Checked with the specification.
    return pairs.times


def _query_first(tasks: Tasks) -> Tasks:
    """Returns tasks whose last pairs have become the query, before the support."""
    sizes = np.diff(tasks.ends, prepend=0)
    owners = np.repeat(np.arange(len(tasks)), sizes)
    is_support = np.arange(len(owners)) < (tasks.ends - tasks.num_query)[owners]
    order = np.lexsort((is_support, owners))
    return dataclasses.replace(
        tasks, codes=tasks.codes[order], labels=tasks.labels.take(order)
    )


def _sort_keys(pairs: UserPairs, parts: Ints, starts: Ints, seed: int) -> Ints:
    """Returns what pairs of one user are sorted by."""
    texts = [item.encode() for item in pairs.items.to_pylist()]
    ranks = np.empty(len(texts), np.uint64)
    ranks[pc.array_sort_indices(pairs.items).to_numpy()] = np.arange(len(texts))
    keys = ranks[pairs.codes]
    ends = starts + pairs.num_pairs()
    are_tasks = np.flatnonzero(~np.isin(parts, [_LEFT_OUT, *_SUPPORT_ALONE]))
    columns = (places[are_tasks].tolist() for places in (starts, ends))
    for place, start, end in zip(are_tasks.tolist(), *columns, strict=True):
        items = map(texts.__getitem__, pairs.codes[start:end].tolist())
        digests = stable_digests(seed, pairs.users[place], last=items)
        keys[start:end] = digest_numbers(digests)
    return keys


def counts_of_shard(
    shard: int, pairs: UserPairs, tasks: Tasks
) -> tuple[EntityCounts, EntityCounts]:
    """Returns the counts of the users and the items of a shard.

    Args:
        shard: Its number.
        pairs: All pairs of its users.
        tasks: The tasks made of them, with the same items.
    """
    number = len(pairs.items)
    sizes = np.diff(tasks.ends, prepend=0)
    parts_of_pairs = np.repeat(tasks.parts, sizes)
    is_query = np.arange(len(tasks.codes)) < np.repeat(
        tasks.ends - sizes + tasks.num_query, sizes
    )
    learnt = np.isin(parts_of_pairs, _TRAINING) & ~is_query
    bits = np.zeros(number, np.uint8)
    for part in range(len(PARTS)):
        bits[tasks.codes[parts_of_pairs == part]] |= 1 << part
    items = EntityCounts(
        pairs.items,
        small(np.bincount(pairs.codes, minlength=number)),
        small(np.bincount(tasks.codes[learnt], minlength=number)),
        bits,
        np.zeros(number, np.uint8),
    )
    return _counts_of_users(shard, pairs, tasks), items


def _counts_of_users(shard: int, pairs: UserPairs, tasks: Tasks) -> EntityCounts:
    """Returns the counts of users; their later pairs stand apart in both arguments."""
    places = {user: place for place, user in enumerate(dict.fromkeys(pairs.users))}
    num_pairs, training = np.zeros((2, len(places)), np.int64)
    bits = np.zeros(len(places), np.uint8)
    np.add.at(num_pairs, [places[user] for user in pairs.users], pairs.num_pairs())
    of_tasks = [places[user] for user in tasks.task_ids]
    num_support = np.diff(tasks.ends, prepend=0) - tasks.num_query
    teaches = np.isin(tasks.parts, _TRAINING)
    np.add.at(training, of_tasks, np.where(teaches, num_support, 0))
    np.bitwise_or.at(bits, of_tasks, (1 << tasks.parts).astype(np.uint8))
    return EntityCounts(
        pa.array(places, pa.string()),
        small(num_pairs),
        small(training),
        bits,
        small(np.where(bits, 1 + shard, 0)),
    )


@dataclasses.dataclass(eq=False)
class _BuildShard(beam.DoFn):
    spec: DatasetSpec
    splitter: TaskSplitter

    def process(self, group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[str, Any]]:
        shard, blocks = group
        unpacked = map(InteractionBlock.unpacked, filter(None, blocks))
        pairs, rejected, left_out = pairs_of_users(
            unpacked, self.spec.interactions, self.spec.split.starts
        )
        for row in rejected:
            yield REJECTED, row
        tasks, dropped = build_tasks(pairs, self.splitter, self.spec.episodes)
        dropped += left_out
        _TASKS.inc(int((~np.isin(tasks.parts, _SUPPORT_ALONE)).sum()))
        count_dropped(dropped)
        refused = Counter(row.reason for row in rejected)
        counts = counts_of_shard(shard, pairs, tasks)
        yield _TASK_SHARD, TaskShard(shard, tasks, dropped, refused, *counts)
