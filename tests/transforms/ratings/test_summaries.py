from collections import Counter

import pytest
from rated_tasks import shard_of_tasks

from transforms.ratings.summaries import merge_summaries, summarize
from transforms.ratings.tasks import PARTS, Pairs, Task

TRAIN = Task("u", "meta_train", Pairs(["a", "b"], [1.0, 3.0]), Pairs(["c"], [5.0]))
SMALL = Task("w", "no_task", Pairs(["a"], [1.0]), Pairs([], []))
TEST = Task("v", "meta_test", Pairs(["a"], [2.0]), Pairs(["d"], [4.0]))


@pytest.fixture
def merged():
    shards = [
        shard_of_tasks(0, [TRAIN], Counter(task_too_small=1)),
        shard_of_tasks(1, [TEST, SMALL], Counter(task_too_small=2)),
    ]
    return merge_summaries(map(summarize, shards))


def training_of(counts):
    return dict(zip(counts.ids.to_pylist(), counts.training.tolist(), strict=True))


def test_counts_of_shards_add_up(merged):
    assert merged.splits["meta_train"].num_interactions == 3
    assert merged.splits["meta_test"].num_interactions == 2
    assert merged.splits["meta_validation"].num_interactions == 0
    assert merged.num_dropped == {"task_too_small": 3}


def test_training_data_are_support_of_meta_train_and_users_without_a_task(merged):
    assert training_of(merged.items) == {"a": 2, "b": 1, "c": 0, "d": 0}
    assert training_of(merged.users) == {"u": 2, "v": 0, "w": 1}
    assert merged.label_counts() == {1.0: 2, 3.0: 1}


def test_items_of_a_split_are_those_of_support_and_query(merged):
    items = merged.items.take(merged.items.are_in(PARTS.index("meta_test")))
    assert items.ids.to_pylist() == ["a", "d"]


def test_each_row_is_used_or_left_out_or_refused():
    dropped = Counter(task_too_small=1, pair_of_task_too_small=2, pair_over_limit=4)
    shard = shard_of_tasks(0, [TRAIN, TEST, SMALL], dropped, Counter(duplicate_pair=3))
    counts = summarize(shard).row_counts()
    assert counts.used == 3 + 2 + 1  # Pairs of u, v and w.
    assert counts.left_out == {"pair_of_task_too_small": 2, "pair_over_limit": 4}
    assert counts.refused == {"duplicate_pair": 3}
