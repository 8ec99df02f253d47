import numpy as np
import pyarrow as pa
from pipeline.reports.run.scored_rows import ScoredRows, join, rows_of


def rows(task, user, value):
    size = len(task)
    return ScoredRows(
        task=np.array(task),
        user=np.array(user),
        item=np.arange(1, size + 1),
        support_size=np.zeros(size, int),
        value=np.array(value, float),
        others={"rank": np.arange(size)},
    )


def test_a_task_is_the_mean_of_its_users_and_not_of_its_pairs():
    found = rows([0, 0, 0, 2], [5, 5, 6, 5], [1.0, 0.0, 1.0, 0.25])
    # Task 0: user 5 has (1 + 0) / 2, user 6 has 1, so (0.5 + 1) / 2 = 0.75.
    np.testing.assert_array_equal(found.by_task(3), [0.75, np.nan, 0.25])


def test_only_chosen_pairs_count():
    found = rows([0, 0, 0, 2], [5, 5, 6, 5], [1.0, 0.0, 1.0, 0.25])
    chosen = np.array([False, True, True, False])
    # User 5 has 0, user 6 has 1; nothing is left of task 2.
    np.testing.assert_array_equal(found.by_task(3, chosen), [0.5, np.nan, np.nan])


def test_the_same_user_in_two_tasks_is_two():
    found = rows([0, 1], [5, 5], [1.0, 0.0]).of_users_in(rows([1], [5], [0.0]))
    assert found.task.tolist() == [1]
    assert found.others["rank"].tolist() == [1]


def test_rows_are_joined_in_order():
    found = join([rows([0], [1], [0.5]), rows([1], [2], [0.75])])
    assert found.value.tolist() == [0.5, 0.75]
    assert found.others["rank"].tolist() == [0, 0]


def test_an_unknown_id_has_row_0():
    column = pa.chunked_array([["b", "?"], ["a", "b"]])
    ids = np.array(["", "a", "b"], dtype=object)
    assert rows_of(column, ids).tolist() == [2, 0, 1, 2]
