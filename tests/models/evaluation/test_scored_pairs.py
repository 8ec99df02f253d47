import numpy as np

from models.evaluation.scored_pairs import ScoredPairs, join_pairs


def pairs(task, user, num_tasks=3):
    size = len(task)
    return ScoredPairs(
        [f"t{n}" for n in range(num_tasks)],
        task=np.array(task),
        user=np.array(user),
        item=np.arange(1, size + 1),
        support_size=np.zeros(size, int),
        score=np.zeros(size),
        rank=1 + np.arange(size),
    )


def test_only_columns_that_there_are_are_named():
    assert set(pairs([0], [5]).columns()) == {
        *("task", "user", "item", "support_size", "score", "rank")
    }


def test_some_pairs_are_of_the_same_tasks():
    some = pairs([0, 0, 2], [5, 6, 5]).select(np.array([False, True, True]))
    assert (some.num_tasks, some.task.tolist()) == (3, [0, 2])
    assert some.rank.tolist() == [2, 3]


def test_pairs_are_chosen_by_task():
    some = pairs([0, 0, 2], [5, 6, 5]).of_tasks(np.array([True, True, False]))
    assert some.user.tolist() == [5, 6]
    assert some.num_tasks == 3


def test_columns_are_laid_out_with_a_row_a_task():
    mixed = pairs([2, 0, 2], [5, 6, 7])
    (users, ranks), mask = mixed.padded("user", "rank")
    assert users.tolist() == [[6, 0], [0, 0], [5, 7]]
    assert ranks.tolist() == [[2, 0], [0, 0], [1, 3]]
    assert mask.tolist() == [[True, False], [False, False], [True, True]]


def test_groups_are_joined_in_order_and_their_tasks_counted_on():
    both = join_pairs([pairs([0, 1], [1, 2]), pairs([0], [3])])
    assert both.task.tolist() == [0, 1, 3]
    assert both.user.tolist() == [1, 2, 3]
    assert both.num_tasks == 6


def test_groups_of_the_same_tasks_keep_them():
    both = join_pairs([pairs([0, 1], [1, 2]), pairs([0], [3])], same_tasks=True)
    assert both.task.tolist() == [0, 1, 0]
    assert both.num_tasks == 3
