import dataclasses

import numpy as np
from example_message import example_class
from rated_tasks import Pairs, Task, tasks_of, texts

from transforms.ratings.records import encode_episodes
from transforms.writing.entity_files import IdRows


class Rows:
    """Rows of the items, and of the users x and u of shard 1."""

    items = IdRows(texts("abc"))

    def of_shard(self, shard):
        return np.array({0: [4], 1: [1, 4]}[shard])


ROWS = Rows()
TASK = Task("u", "meta_test", Pairs(["c", "a"], [5.0, 1.5]), Pairs(["b"], [3.0]))


def test_an_episode_holds_rows_instead_of_ids():
    small = Task("x", "no_task", Pairs(["b"], [4.0]), Pairs([], []))
    other, (split, record) = encode_episodes(1, tasks_of([small, TASK]), ROWS)
    assert (split, other[0]) == ("meta_test", "no_task")
    feature = example_class().FromString(record).features.feature
    assert feature["task_id"].bytes_list.value == [b"u"]
    assert feature["user"].int64_list.value == [4]
    assert feature["support/item"].int64_list.value == [3, 1]
    assert feature["support/label"].float_list.value == [5.0, 1.5]
    assert feature["query/item"].int64_list.value == [2]
    assert feature["query/label"].float_list.value == [3.0]


def test_later_pairs_of_a_user_have_the_row_of_the_user():
    later = Task("u", "later", Pairs(["c"], [4.0]), Pairs([], []))
    records = encode_episodes(0, tasks_of([TASK, later]), ROWS)
    rows = [
        (part, example_class().FromString(record).features.feature["user"])
        for part, record in records
    ]
    assert [(part, user.int64_list.value[:]) for part, user in rows] == [
        ("meta_test", [4]),
        ("later", [4]),
    ]


def test_items_that_no_task_holds_need_no_row():
    """As those that only users have rated whom the split file leaves out."""
    tasks = tasks_of([TASK])
    more = dataclasses.replace(
        tasks, items=texts(["zz", *tasks.items.to_pylist()]), codes=tasks.codes + 1
    )
    assert [*encode_episodes(0, more, ROWS)] == [*encode_episodes(0, tasks, ROWS)]
