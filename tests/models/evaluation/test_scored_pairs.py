import numpy as np
import pytest
from made_pairs import clicked_pairs, rated_pairs

from models.evaluation.scored_pairs import join_pairs

# Three tasks, of two pairs, none and one.
RATED = rated_pairs([[5.0, 3.0], [], [1.0]], [[4.5, 2.5], [], [1.5]], sizes=[4, 0, 2])
# Users 7 and 8 in the first of two scenarios, user 7 in the second.
CLICKED = clicked_pairs((0, 7, 2), (0, 8, 1), (0, 7, 5), (1, 7, 1))


def test_columns_are_those_that_a_setting_has():
    common = ["task", "user", "item", "support_size", "score"]
    assert list(RATED.columns()) == [*common, "label"]
    assert list(CLICKED.columns()) == [*common, "rank", "num_tied", "num_candidates"]


@pytest.mark.parametrize(
    "chosen", [np.array([True, False, True]), np.array([0, 2])], ids=["mask", "places"]
)
def test_some_pairs_are_of_the_same_tasks(chosen):
    some = RATED.select(chosen)
    assert some.task_ids == RATED.task_ids
    assert some.num_tasks == 3
    assert some.task.tolist() == [0, 2]
    assert some.label.tolist() == [5.0, 1.0]
    assert some.score.tolist() == [4.5, 1.5]
    assert some.support_size.tolist() == [4, 2]
    assert some.rank is None


def test_pairs_of_some_tasks_leave_the_others_without_a_pair():
    of_last = RATED.of_tasks(np.array([False, True, True]))
    assert of_last.num_tasks == 3
    assert of_last.task.tolist() == [2]


def test_padded_columns_have_a_row_a_task():
    (label, score), mask = RATED.padded("label", "score")
    np.testing.assert_array_equal(label, [[5.0, 3.0], [0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_array_equal(score, [[4.5, 2.5], [0.0, 0.0], [1.5, 0.0]])
    np.testing.assert_array_equal(mask, [[True, True], [False, False], [True, False]])
    assert label.dtype == np.float32


def test_padded_columns_keep_the_order_of_the_query_whatever_that_of_tasks():
    # Both tasks alternate; within each the pairs keep their order.
    (label,), _ = RATED.select(np.array([2, 0, 1])).padded("label")
    np.testing.assert_array_equal(label, [[5.0, 3.0], [0.0, 0.0], [1.0, 0.0]])


def test_no_pairs_are_padded_to_no_columns():
    (label,), mask = RATED.select(np.zeros(3, bool)).padded("label")
    assert label.shape == mask.shape == (3, 0)


def test_groups_stand_one_after_the_other_with_tasks_counted_on():
    other = rated_pairs([[2.0]], [[3.0]], sizes=[9])
    joined = join_pairs([RATED, other])
    assert joined.task_ids == ["u1", "u2", "u3", "u1"]
    assert joined.task.tolist() == [0, 0, 2, 3]
    assert joined.label.tolist() == [5.0, 3.0, 1.0, 2.0]
    assert joined.support_size.tolist() == [4, 4, 2, 9]
    # A task is told by its place, not by its id.
    _, mask = joined.padded()
    assert mask.sum(axis=1).tolist() == [2, 0, 1, 1]


def test_groups_of_the_same_tasks_keep_their_places():
    joined = join_pairs([CLICKED, CLICKED.select(np.array([3]))], same_tasks=True)
    assert joined.task_ids == CLICKED.task_ids
    assert joined.task.tolist() == [0, 0, 0, 1, 1]
    assert joined.rank.tolist() == [2, 1, 5, 1, 1]
