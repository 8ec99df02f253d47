import dataclasses

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from rated_tasks import Pairs, labels_of, pairs_of, single_tasks

from transforms.ratings.episodes import build_shards, build_tasks, is_new_item
from transforms.ratings.interactions import InteractionBlock
from transforms.ratings.user_pairs import pairs_of_users
from transforms.reading.coded_column import coded_numbers, coded_texts
from transforms.schema import LATER, META_TEST, META_TRAIN, META_VALIDATION, NO_TASK
from transforms.specs import DatasetSpec, EpisodeSpec, InteractionSpec, SplitSpec
from transforms.splits import TaskSplitter
from transforms.stable_hash import stable_digest
from transforms.table_spec import TableSpec

SPEC = InteractionSpec(TableSpec("r.csv"), "user", "item", "rating")
ALL_TRAIN = TaskSplitter(SplitSpec(test_fraction=0.0, validation_fraction=0.0))


def block(first_line, *rows, source_index=0):
    """A block of (user, item, label) rows on consecutive lines."""
    return InteractionBlock(
        f"part-{source_index}",
        source_index,
        first_line,
        coded_texts([user for user, _, _ in rows]),
        coded_texts([item for _, item, _ in rows]),
        coded_numbers(np.array([label for _, _, label in rows])),
        np.arange(len(rows)),
    )


def tasks_of(labels, splitter, spec):
    """Single tasks, and what was left out by reason."""
    tasks, dropped = build_tasks(pairs_of(labels), splitter, spec)
    return single_tasks(tasks), dropped


def task_of(labels, split, spec, *, seed):
    """The task of user u in a split."""
    splitter = TaskSplitter(SplitSpec(seed), {"u": split}, lists_validation=True)
    ((task,), _) = tasks_of({"u": labels}, splitter, spec)
    return task


def pairs(num):
    return {f"i{number}": float(number) for number in range(num)}


def test_the_first_row_of_a_pair_counts_in_whatever_order_blocks_come():
    later = block(9, ("u", "a", 2.0), ("u", "b", 3.0))
    earlier = block(2, ("u", "a", 1.0))
    other_file = block(1, ("u", "b", 5.0), source_index=1)
    found, rejected, left_out = pairs_of_users([other_file, later, earlier], SPEC)
    assert not left_out
    assert labels_of(found) == {"u": {"a": 1.0, "b": 3.0}}
    assert [(row.source, row.line, row.reason) for row in rejected] == [
        ("part-0", 9, "duplicate_pair"),
        ("part-1", 1, "duplicate_pair"),
    ]
    assert rejected[0].row == {"user": "u", "item": "a", "rating": 2.0}


@pytest.mark.parametrize(
    ("keep", "times", "label"),
    [
        ("first", None, 1.0),
        ("last", None, 3.0),
        ("first", (7, 5, 6), 2.0),
        ("last", (7, 5, 6), 1.0),
        ("last", (5, 5, 5), 3.0),
    ],
)
def test_the_row_of_a_pair_that_counts_can_be_chosen(keep, times, label):
    time_column = None if times is None else "time"
    spec = dataclasses.replace(SPEC, keep=keep, time_column=time_column)
    rows = block(2, ("u", "a", 1.0), ("u", "a", 2.0), ("u", "a", 3.0))
    if times is not None:
        rows = dataclasses.replace(rows, times=np.array(times, float))
    found, rejected, left_out = pairs_of_users([rows], spec)
    assert labels_of(found) == {"u": {"a": label}}
    assert (rejected, left_out) == ([], {"repeated_pair": 2})


def test_meta_train_never_sees_new_items_and_the_other_splits_do():
    spec = EpisodeSpec(query_size=2, new_item_fraction=0.3)
    labels = {f"u{number}": pairs(40) for number in range(20)}
    splitter = TaskSplitter(SplitSpec(seed=3, test_fraction=0.5))
    tasks, dropped = tasks_of(labels, splitter, spec)
    new = {item for item in pairs(40) if is_new_item(item, spec, seed=3)}
    assert 4 < len(new) < 20
    by_split = {}
    for task in tasks:
        items = {*task.support.items, *task.query.items}
        by_split.setdefault(task.split, []).append(items)
    assert not any(items & new for items in by_split["meta_train"])
    assert all(items & new for items in by_split["meta_test"])
    assert dropped["pair_of_new_item"] == len(new) * len(by_split["meta_train"])


def test_query_comes_first_in_an_order_that_seed_user_and_item_decide():
    task = task_of(pairs(6), META_TRAIN, EpisodeSpec(query_size=2), seed=3)
    order = sorted(pairs(6), key=lambda item: stable_digest(3, "u", item))
    assert task.query.items == order[:2]
    assert task.support.items == order[2:]
    assert task.support.labels == [float(item[1:]) for item in order[2:]]


def test_by_time_the_first_pairs_are_the_support_and_the_next_ones_the_query():
    times = {"i0": 9.0, "i1": 7.0, "i2": 3.0, "i3": 8.0, "i4": 1.0, "i5": 7.0}
    spec = EpisodeSpec(query_size=2, max_interactions_per_task=5, order="time")
    splitter = TaskSplitter(SplitSpec(3), {"u": META_TEST, "v": META_TRAIN})
    labels = {"u": pairs(6), "v": {"b": 1.0, "a": 2.0}}
    all_times = {"u": times, "v": {"b": 1.0, "a": 2.0}}
    tasks, dropped = build_tasks(pairs_of(labels, all_times), splitter, spec)
    task, small = single_tasks(tasks)
    tied = sorted(("i1", "i5"), key=lambda item: stable_digest(3, "u", item))
    assert task.support.items == ["i4", "i2", tied[0]]
    assert task.support.labels == [float(item[1:]) for item in task.support.items]
    assert task.query.items == [tied[1], "i3"]  # i0 is over the limit.
    assert (small.split, small.support.items) == (NO_TASK, ["a", "b"])
    assert dropped == {"pair_over_limit": 1, "task_too_small": 1}


def split_by_time(rows, starts, spec, *, keep=None):
    """Single tasks and what was left out, of (user, item, time) rows."""
    timed = dataclasses.replace(
        block(2, *((user, item, 1.0) for user, item, _ in rows)),
        times=np.array([time for _, _, time in rows], float),
    )
    table = dataclasses.replace(SPEC, keep=keep, time_column="time")
    split = dataclasses.replace(ALL_TRAIN.spec, **starts)
    pairs, refused, left_out = pairs_of_users([timed], table, split.starts)
    left_out.update(row.reason for row in refused)
    tasks, dropped = build_tasks(pairs, TaskSplitter(split), spec)
    return single_tasks(tasks), dropped + left_out


def timed_rows(**times):
    """Rows of items i0, i1, ... for each user."""
    return [
        (user, f"i{number}", time)
        for user, of_user in times.items()
        for number, time in enumerate(of_user)
    ]


def test_users_who_come_late_are_meta_test_and_what_is_late_stands_apart():
    rows = timed_rows(
        early=(1, 2, 3, 4, 5, 9), late=(5, 6, 7, 8), few=(9,), over=(4, 5)
    )
    tasks, dropped = split_by_time(rows, {"test_from": 5}, EpisodeSpec(query_size=2))
    assert [(task.task_id, task.split) for task in tasks] == [
        *(("early", META_TRAIN), ("early", LATER), ("few", LATER)),
        *(("late", META_TEST), ("over", NO_TASK), ("over", LATER)),
    ]
    early, after, few, _, over, after_over = tasks
    assert {*early.support.items, *early.query.items} == {*pairs(4)}
    assert after.support == Pairs(["i4", "i5"], [1.0, 1.0])
    assert over.support.items == ["i0"]
    assert few.support.items == ["i0"]
    assert after_over.support.items == ["i1"]
    assert after.query == few.query == after_over.query == Pairs([], [])
    assert dropped == {"task_too_small": 2}  # few and over.


def test_meta_validation_lies_between_what_is_learnt_and_meta_test():
    rows = timed_rows(a=(1, 2, 3, 4), b=(3, 4, 5, 6), c=(5, 6, 7, 8), d=(3, 9))
    spec = EpisodeSpec(query_size=1, order="time")
    starts = {"validation_from": 3, "test_from": 5}
    tasks, dropped = split_by_time(rows, starts, spec)
    found = [(t.split, t.support.items, t.query.items) for t in tasks]
    assert found == [
        (META_TRAIN, ["i0"], ["i1"]),
        (LATER, ["i2", "i3"], []),
        (META_VALIDATION, ["i0"], ["i1"]),
        (LATER, ["i2", "i3"], []),
        (META_TEST, ["i0", "i1", "i2"], ["i3"]),
        *((LATER, ["i0"], []), (LATER, ["i1"], [])),
    ]
    assert dropped == {"task_too_small": 1}


@pytest.mark.parametrize(
    ("keep", "others"),
    [("first", "repeated_pair"), ("last", "repeated_pair"), (None, "duplicate_pair")],
)
def test_a_pair_belongs_to_where_its_first_row_does_whichever_row_counts(keep, others):
    rows = [*timed_rows(u=(1, 2, 3)), *timed_rows(u=(6, 7, 8, 6)), ("u", "i2", 4)]
    rows += [("u", "i3", 9)]
    spec = EpisodeSpec(query_size=1, order="time")
    tasks, dropped = split_by_time(rows, {"test_from": 5}, spec, keep=keep)
    assert [(task.split, task.support.items, task.query.items) for task in tasks] == [
        (META_TRAIN, ["i0", "i1"], ["i2"]),
        (LATER, ["i3"], []),
    ]
    assert dropped == {others: 5}


@pytest.mark.parametrize(("keep", "labels"), [("first", [1, 3]), ("last", [2, 4])])
def test_the_row_that_counts_is_one_before_the_split_if_there_is_any(keep, labels):
    rows = [("u", "a", 1.0), ("u", "a", 2.0), ("u", "a", 9.0)]
    rows += [("u", "b", 3.0), ("u", "b", 4.0)]
    timed = dataclasses.replace(block(2, *rows), times=np.array([1, 2, 7, 6, 8], float))
    table = dataclasses.replace(SPEC, keep=keep, time_column="time")
    found, _, left_out = pairs_of_users([timed], table, {META_TEST: 5.0})
    assert (found.users, found.windows.tolist()) == (["u", "u"], [0, 2])
    assert found.labels.to_list() == labels
    assert left_out == {"repeated_pair": 3}


def test_later_pairs_know_neither_limits_nor_sizes_nor_new_items():
    rows = timed_rows(u=(1, 2, 3, *[9] * 40), v=(1, 2, 3, 9))
    spec = EpisodeSpec(
        query_size=1, max_interactions_per_meta_train_task=2, new_item_fraction=0.5
    )
    tasks, _ = split_by_time(rows, {"test_from": 5}, spec)
    sizes = [len(task.support.items) for task in tasks if task.split == LATER]
    assert sizes == [40, 1]


def test_the_order_does_not_depend_on_the_order_of_the_rows():
    backwards = dict(reversed(pairs(6).items()))
    spec = EpisodeSpec(query_size=2)
    assert task_of(pairs(6), META_TEST, spec, seed=0) == task_of(
        backwards, META_TEST, spec, seed=0
    )


def test_each_split_has_its_own_limit():
    spec = EpisodeSpec(
        query_size=2,
        max_interactions_per_task=5,
        max_interactions_per_meta_train_task=8,
    )
    # 2 query pairs leave room for 3 and 6 support pairs.
    assert len(task_of(pairs(20), META_TEST, spec, seed=0).support.items) == 3
    assert len(task_of(pairs(20), META_TRAIN, spec, seed=0).support.items) == 6


def test_meta_train_tasks_have_no_limit_by_default():
    task = task_of(pairs(99), META_TRAIN, EpisodeSpec(query_size=9), seed=0)
    assert len(task.support.items) == 90


def test_tasks_are_in_order_of_their_ids():
    labels = {"10": pairs(3), "b": pairs(3), "9": pairs(3)}
    tasks, _ = tasks_of(labels, ALL_TRAIN, EpisodeSpec(query_size=2))
    assert [task.task_id for task in tasks] == ["9", "10", "b"]


def test_what_is_left_out_is_counted_by_reason():
    splitter = TaskSplitter(
        SplitSpec(validation_fraction=0.0), {"a": META_TEST, "b": META_TEST}
    )
    spec = EpisodeSpec(query_size=2, max_interactions_per_task=4)
    labels = {"a": pairs(7), "b": pairs(2), "c": pairs(5)}
    tasks, dropped = tasks_of(labels, splitter, spec)
    assert [task.task_id for task in tasks] == ["a"]
    assert dropped == {
        "pair_over_limit": 3,  # 7 - 4 of a.
        "task_too_small": 1,  # b needs 2 + 1 pairs.
        "pair_of_task_too_small": 2,
        "task_not_in_split_file": 1,  # c.
        "pair_of_task_not_in_split_file": 5,
    }


def test_a_task_without_support_is_legal_if_asked_for():
    spec = EpisodeSpec(query_size=2, min_support_size=0)
    (task,), dropped = tasks_of({"u": pairs(2)}, ALL_TRAIN, spec)
    assert (len(task.query.items), task.support.items) == (2, [])
    assert not dropped


def test_a_user_too_small_for_a_task_keeps_all_pairs_as_support():
    spec = EpisodeSpec(query_size=3)
    labels = {"u": {"b": 2.0, "a": 1.0}, "v": pairs(4)}
    tasks, dropped = tasks_of(labels, ALL_TRAIN, spec)
    small, task = tasks
    assert (small.task_id, small.split) == ("u", NO_TASK)
    assert small.support == Pairs(["a", "b"], [1.0, 2.0])
    assert small.query == Pairs([], [])
    assert task.split == META_TRAIN
    assert dropped == {"task_too_small": 1}  # As a task; no pair is lost.


def test_small_users_of_a_split_file_teach_only_if_it_names_them_for_meta_train():
    listed = {"a": META_TRAIN, "b": META_TEST}
    splitter = TaskSplitter(SplitSpec(validation_fraction=0.5), listed)
    labels = {"a": pairs(2), "b": pairs(2), "c": pairs(2)}
    tasks, dropped = tasks_of(labels, splitter, EpisodeSpec(query_size=2))
    assert [(task.task_id, task.split) for task in tasks] == [("a", NO_TASK)]
    assert dropped == {
        "task_too_small": 2,  # a and b.
        "pair_of_task_too_small": 2,  # Of b.
        "task_not_in_split_file": 1,  # c.
        "pair_of_task_not_in_split_file": 2,
    }


def test_every_shard_has_its_tasks_even_if_it_has_none():
    spec = DatasetSpec(
        InteractionSpec(TableSpec("r.csv")),
        episodes=EpisodeSpec(query_size=1, num_shards=3),
    )
    rows = block(2, ("u", "a", 1.0), ("u", "b", 2.0), ("u", "a", 3.0), ("v", "a", 1.0))
    with TestPipeline("FnApiRunner") as root:
        blocks = root | beam.Create([(1, rows.packed())])
        shards, rejected = blocks | build_shards(spec, ALL_TRAIN)
        sizes = shards | beam.Map(lambda shard: (shard.shard, len(shard.tasks)))
        assert_that(sizes, equal_to([(0, 0), (1, 2), (2, 0)]), label="tasks")
        lines = rejected | beam.Map(lambda row: row.line)
        assert_that(lines, equal_to([4]), label="rejected")
    counters = root.result.metrics().query()["counters"]
    assert {c.key.metric.name: c.committed for c in counters} == {
        "tasks": 1,
        "dropped_task_too_small": 1,  # v, whose pair is kept all the same.
    }
