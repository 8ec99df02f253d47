from collections import Counter

import pytest
from rated_tasks import Pairs, Task, shard_of_tasks

from transforms.entities.entity_counts import merge_counts_of_entities
from transforms.ratings.runs import entities_of_shard
from transforms.ratings.summaries import merge_summaries, summarize
from transforms.ratings.tasks import PARTS

TRAIN = Task("u", "meta_train", Pairs(["a", "b"], [1.0, 3.0]), Pairs(["c"], [5.0]))
SMALL = Task("w", "no_task", Pairs(["a"], [1.0]), Pairs([], []))
TEST = Task("v", "meta_test", Pairs(["a"], [2.0]), Pairs(["d"], [4.0]))
LATER = Task("u", "later", Pairs(["d", "e"], [2.0, 4.0]), Pairs([], []))


SHARDS = [
    shard_of_tasks(0, [TRAIN], Counter(task_too_small=1)),
    shard_of_tasks(1, [TEST, SMALL], Counter(task_too_small=2)),
]


@pytest.fixture
def merged():
    return merge_summaries(map(summarize, SHARDS))


@pytest.fixture
def entities():
    """Counts of users and of items, of both shards."""
    by_kind = {}
    for shard in SHARDS:
        for kind, counts in entities_of_shard(shard):
            by_kind.setdefault(kind, []).append(counts)
    return {kind: merge_counts_of_entities(parts) for kind, parts in by_kind.items()}


def by_id(ids, numbers):
    return dict(zip(ids.to_pylist(), numbers.tolist(), strict=True))


def test_counts_of_shards_add_up(merged):
    assert merged.splits["meta_train"].num_interactions == 3
    assert merged.splits["meta_test"].num_interactions == 2
    assert merged.splits["meta_validation"].num_interactions == 0
    assert merged.num_dropped == {"task_too_small": 3}


def test_training_data_are_support_of_meta_train_and_users_without_a_task(
    merged, entities
):
    users, items = entities["user"], entities["item"]
    assert by_id(items.ids, items.training) == {"a": 2, "b": 1, "c": 0, "d": 0}
    assert by_id(users.ids, users.training) == {"u": 2, "v": 0, "w": 1}
    assert merged.label_counts() == {1.0: 2, 3.0: 1}


@pytest.mark.parametrize("tasks", [[TRAIN, LATER], [LATER]])
def test_later_pairs_have_rows_and_count_for_nothing_else(tasks):
    shard, without = (shard_of_tasks(3, some) for some in (tasks, tasks[:-1]))
    later = 1 << PARTS.index("later")
    items, users = shard.items, shard.users
    parts = by_id(items.ids, items.parts)
    assert (parts["d"], parts["e"]) == (later, later)
    assert by_id(users.ids, users.parts) == {"u": later | (1 if TRAIN in tasks else 0)}
    assert users.shards.tolist() == [4]
    assert items.training.sum() == users.training.sum() == without.items.training.sum()
    summary, before = summarize(shard), summarize(without)
    assert summary.label_counts() == before.label_counts()
    assert summary.splits["later"].num_interactions == 2
    assert summary.row_counts().used == before.row_counts().used + 2
    assert all(summary.splits[one] == before.splits[one] for one in PARTS[:-1])


def test_items_of_a_split_are_those_of_support_and_query(entities):
    items = entities["item"]
    chosen = items.take(items.are_in(PARTS.index("meta_test")))
    assert chosen.ids.to_pylist() == ["a", "d"]


def test_a_user_knows_the_shard_that_wants_its_row_and_items_know_none(entities):
    users, items = entities["user"], entities["item"]
    assert by_id(users.ids, users.shards) == {"u": 1, "v": 2, "w": 2}
    assert not items.shards.any()


def test_each_row_is_used_or_left_out_or_refused():
    dropped = Counter(task_too_small=1, pair_of_task_too_small=2, pair_over_limit=4)
    shard = shard_of_tasks(0, [TRAIN, TEST, SMALL], dropped, Counter(duplicate_pair=3))
    counts = summarize(shard).row_counts()
    assert counts.used == 3 + 2 + 1  # Pairs of u, v and w.
    assert counts.left_out == {"pair_of_task_too_small": 2, "pair_over_limit": 4}
    assert counts.refused == {"duplicate_pair": 3}
