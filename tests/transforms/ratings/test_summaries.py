from collections import Counter

import pytest

from transforms.ratings.episodes import Pairs, Task, TaskShard
from transforms.ratings.summaries import mean_and_std, merge_summaries, summarize

TRAIN = Task("u", "meta_train", Pairs(["a", "b"], [1.0, 3.0]), Pairs(["c"], [5.0]))
TEST = Task("v", "meta_test", Pairs(["a"], [2.0]), Pairs(["d"], [4.0]))


@pytest.fixture
def merged():
    shards = [
        TaskShard(0, [TRAIN], Counter(task_too_small=1)),
        TaskShard(1, [TEST], Counter(task_too_small=2)),
    ]
    return merge_summaries(map(summarize, shards))


def test_counts_of_shards_add_up(merged):
    assert merged.splits["meta_train"].num_interactions == 3
    assert merged.splits["meta_test"].num_interactions == 2
    assert merged.splits["meta_validation"].num_interactions == 0
    assert merged.num_dropped == {"task_too_small": 3}


def test_only_meta_train_support_pairs_are_training_data(merged):
    assert merged.support_items == {"a": 1, "b": 1}
    assert merged.support_users == {"u": 2}


def test_items_of_a_split_are_those_of_support_and_query(merged):
    assert merged.splits["meta_test"].items == {"a": 1, "d": 1}


def test_mean_and_deviation_of_counted_labels():
    # Labels 1, 1, 1 and 5: mean 2, squared distances 3 * 1 + 9 = 12.
    assert mean_and_std(Counter({1.0: 3, 5.0: 1})) == (2.0, 3**0.5)


def test_labels_that_do_not_vary_have_no_deviation():
    assert mean_and_std(Counter({4.0: 3})) == (4.0, 0.0)


def test_without_labels_mean_and_deviation_are_zero():
    assert mean_and_std(Counter()) == (0.0, 0.0)
