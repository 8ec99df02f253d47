"""Interactions of one shard to tasks, each with its support and query pairs."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.entities.vocabularies import id_order
from transforms.ratings.interactions import (
    INTERACTIONS,
    InteractionBlock,
    interaction_columns,
)
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.kinds import OfKind
from transforms.reading.rejected_row import REJECTED, RejectedRow
from transforms.reading.row_error import DUPLICATE_PAIR
from transforms.reading.shards import GroupByShard
from transforms.schema import META_TRAIN, NO_TASK
from transforms.specs import DatasetSpec, EpisodeSpec, InteractionSpec
from transforms.splits import TaskSplitter
from transforms.stable_hash import stable_digest, stable_fraction

# Reasons of `num_dropped`: legal, but left out.
TASK_TOO_SMALL = "task_too_small"
TASK_NOT_IN_SPLIT_FILE = "task_not_in_split_file"
PAIR_OF_TASK_TOO_SMALL = "pair_of_task_too_small"
PAIR_OF_TASK_NOT_IN_SPLIT_FILE = "pair_of_task_not_in_split_file"
PAIR_OVER_LIMIT = "pair_over_limit"
PAIR_OF_NEW_ITEM = "pair_of_new_item"
REPEATED_PAIR = "repeated_pair"

PAIR_REASONS = (
    PAIR_OF_TASK_TOO_SMALL,
    PAIR_OF_TASK_NOT_IN_SPLIT_FILE,
    PAIR_OVER_LIMIT,
    PAIR_OF_NEW_ITEM,
    REPEATED_PAIR,
)

_DROPPED = {
    reason: Metrics.counter("cmml", f"dropped_{reason}")
    for reason in (TASK_TOO_SMALL, TASK_NOT_IN_SPLIT_FILE, *PAIR_REASONS)
}
# Kind of output beside `REJECTED`.
_TASK_SHARD = "shard"

_TASKS = Metrics.counter("cmml", "tasks")


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


@dataclasses.dataclass
class TaskShard:
    """The tasks of one shard.

    Attributes:
        shard: Its number.
        tasks: In the order of their ids, users without a task among them.
        num_dropped: Legal tasks and pairs left out, by reason.
        num_refused: Rows refused here, by reason.
        users: Different pairs of each user, those left out too.
        items: Different pairs of each item, likewise.
    """

    shard: int
    tasks: list[Task]
    num_dropped: Counter[str]
    num_refused: Counter[str] = dataclasses.field(default_factory=Counter)
    users: Counter[str] = dataclasses.field(default_factory=Counter)
    items: Counter[str] = dataclasses.field(default_factory=Counter)


LabelsByTask = dict[str, dict[str, float]]


class BuiltTasks(NamedTuple):
    """What the interactions have become.

    Attributes:
        shards: `TaskShard`s.
        rejected: `RejectedRow`s.
    """

    shards: beam.PCollection
    rejected: beam.PCollection


class BuildTasks(beam.PTransform):
    """Builds the tasks of each shard, and refuses the second row of a pair.

    Input: (shard, `InteractionBlock`).
    Output: `BuiltTasks`, a `TaskShard` for each shard even if it is empty.

    Args:
        spec: The data set.
        splitter: Decides the split of each task.
    """

    def __init__(self, spec: DatasetSpec, splitter: TaskSplitter) -> None:
        super().__init__()
        self._spec = spec
        self._splitter = splitter

    @no_beam_hints
    def expand(self, blocks: beam.PCollection) -> BuiltTasks:
        """Groups blocks by shard."""
        num_shards = self._spec.episodes.num_shards
        pairs = (
            blocks
            | "ByShard" >> GroupByShard(num_shards, InteractionBlock())
            | "BuildShards" >> beam.ParDo(_BuildShard(self._spec, self._splitter))
        )
        kinds = _TASK_SHARD, REJECTED
        return BuiltTasks(*(pairs | f"Take {kind}" >> OfKind(kind) for kind in kinds))


def labels_by_task(
    blocks: Iterable[InteractionBlock], spec: InteractionSpec
) -> tuple[LabelsByTask, list[RejectedRow], int]:
    """Collects the labels of each task; of the rows of a pair, one counts.

    Args:
        blocks: All blocks of a shard, in any order.
        spec: Which row counts, and the names of columns in refused rows.

    Returns:
        Label by item id by task id, the refused rows of pairs that occur again, and the
        number of those left out.
    """
    labels: LabelsByTask = {}
    times: dict[tuple[str, str], float] = {}
    rejected = []
    num_left_out = 0
    for block in sorted(blocks, key=_place):
        columns = block.users, block.items, block.labels, block.lines
        all_times = block.times or itertools.repeat(0.0)
        rows = zip(*columns, all_times, strict=False)
        for user_id, item_id, label, line, time in rows:
            pairs = labels.setdefault(user_id, {})
            pair = user_id, item_id
            if item_id in pairs and spec.keep not in ("first", "last"):
                rejected.append(_repeated(block.source, line, pair, label, spec))
                continue
            if item_id in pairs:
                num_left_out += 1
                earlier = times.get(pair, 0.0)
                if (time < earlier) if spec.keep == "first" else (time >= earlier):
                    pairs[item_id], times[pair] = label, time
                continue
            pairs[item_id] = label
            if spec.time_column is not None:
                times[pair] = time
    return labels, rejected, num_left_out


def _repeated(
    source: str, line: int, pair: tuple[str, str], label: float, spec: InteractionSpec
) -> RejectedRow:
    user_id, item_id = pair
    row = dict(zip(interaction_columns(spec), (*pair, label), strict=False))
    detail = (
        f"user {user_id!r} has labelled item {item_id!r} before: `keep` says which "
        "row counts"
    )
    return RejectedRow(INTERACTIONS, source, line, DUPLICATE_PAIR, detail, row)


def build_tasks(
    labels: LabelsByTask, splitter: TaskSplitter, spec: EpisodeSpec
) -> tuple[list[Task], Counter[str]]:
    """Splits the pairs of each task into support and query.

    Args:
        labels: Label by item id by task id.
        splitter: Decides the split of each task.
        spec: Sizes.

    Returns:
        The tasks in the order of their ids, users without one among them, and what was
        left out by reason.
    """
    tasks = []
    dropped: Counter[str] = Counter()
    for task_id in sorted(labels, key=id_order):
        pairs = labels[task_id]
        split = splitter.split_of(task_id)
        if split is None:
            dropped[TASK_NOT_IN_SPLIT_FILE] += 1
            dropped[PAIR_OF_TASK_NOT_IN_SPLIT_FILE] += len(pairs)
            continue
        is_small = len(pairs) < spec.query_size + spec.min_support_size
        may_teach = splitter.may_teach(task_id) if is_small else split == META_TRAIN
        if may_teach and spec.new_item_fraction:
            known = _known_items(pairs, spec, splitter.spec.seed)
            dropped[PAIR_OF_NEW_ITEM] += len(pairs) - len(known)
            pairs = known
        if len(pairs) < spec.query_size + spec.min_support_size:
            dropped[TASK_TOO_SMALL] += 1
            if splitter.may_teach(task_id) and pairs:
                all_pairs = Pairs(*map(list, zip(*sorted(pairs.items()), strict=True)))
                tasks.append(Task(task_id, NO_TASK, all_pairs, Pairs([], [])))
            else:
                dropped[PAIR_OF_TASK_TOO_SMALL] += len(pairs)
        else:
            task = build_task(task_id, split, pairs, spec, seed=splitter.spec.seed)
            dropped[PAIR_OVER_LIMIT] += len(pairs) - num_pairs(task)
            tasks.append(task)
    return tasks, +dropped


def _known_items(
    labels: dict[str, float], spec: EpisodeSpec, seed: int
) -> dict[str, float]:
    """Returns the labels of items that training may see."""
    return {
        item_id: label
        for item_id, label in labels.items()
        if not is_new_item(item_id, spec, seed=seed)
    }


def is_new_item(item_id: str, spec: EpisodeSpec, *, seed: int) -> bool:
    """Says whether meta-train is never to see an item."""
    return stable_fraction(seed, "new_item", item_id) < spec.new_item_fraction


def build_task(
    task_id: str, split: str, labels: dict[str, float], spec: EpisodeSpec, *, seed: int
) -> Task:
    """Draws the query and the support of one task.

    Pairs are taken in a random order that only the seed, the user and the item
    decide: first the query, then the support, up to the limit of the split.

    Args:
        task_id: The user id.
        split: Its split.
        labels: Label by item id.
        spec: Sizes.
        seed: Seed of the order.

    Returns:
        The task.
    """
    order = sorted(labels, key=lambda item_id: stable_digest(seed, task_id, item_id))
    if split == META_TRAIN:
        limit = spec.max_interactions_per_meta_train_task
    else:
        limit = spec.max_interactions_per_task
    query, support = order[: spec.query_size], order[spec.query_size : limit]
    return Task(
        task_id,
        split,
        Pairs(support, [labels[item_id] for item_id in support]),
        Pairs(query, [labels[item_id] for item_id in query]),
    )


def num_pairs(task: Task) -> int:
    """Returns the number of support and query pairs of a task."""
    return len(task.support.items) + len(task.query.items)


class _BuildShard(beam.DoFn):
    def __init__(self, spec: DatasetSpec, splitter: TaskSplitter) -> None:
        super().__init__()
        self._spec = spec
        self._splitter = splitter

    @no_beam_hints
    def process(
        self, group: tuple[int, Iterable[InteractionBlock]]
    ) -> Iterator[tuple[str, Any]]:
        shard, blocks = group
        interactions = self._spec.interactions
        labels, rejected, num_left_out = labels_by_task(blocks, interactions)
        for row in rejected:
            yield REJECTED, row
        tasks, dropped = build_tasks(labels, self._splitter, self._spec.episodes)
        dropped += Counter({REPEATED_PAIR: num_left_out})
        _TASKS.inc(sum(task.split != NO_TASK for task in tasks))
        for reason, count in dropped.items():
            _DROPPED[reason].inc(count)
        built = TaskShard(
            shard,
            tasks,
            dropped,
            num_refused=Counter(row.reason for row in rejected),
            users=Counter({user: len(pairs) for user, pairs in labels.items()}),
            items=Counter(itertools.chain.from_iterable(labels.values())),
        )
        yield _TASK_SHARD, built


def _place(block: InteractionBlock) -> tuple[int, int]:
    return block.source_index, block.first_line
