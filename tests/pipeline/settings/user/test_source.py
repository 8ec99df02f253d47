import types

import pytest

from pipeline.settings.user.source import describe_small_tasks


def info(num_small, num_tasks, **num_interactions):
    return types.SimpleNamespace(
        num_dropped={"task_too_small": num_small},
        num_tasks={"meta_train": num_tasks - 2, "meta_test": 2},
        num_interactions=num_interactions,
        options={"episodes": {"query_size": 10, "min_support_size": 1}},
    )


def test_a_large_share_of_users_without_a_task_is_said_with_the_key():
    (line,) = describe_small_tasks(info(3, 7))
    assert line == (
        "prepare: 30% of users have fewer than 11 pairs and no task: methods are "
        "judged on the others; with a data.episodes.query_size below 10 they are "
        "judged on more"
    )


def test_where_users_are_split_by_time_their_early_pairs_are_those_that_must_do():
    (line,) = describe_small_tasks(info(3, 7, later=1))
    assert "fewer than 11 pairs before a later split and no task" in line


@pytest.mark.parametrize("num_small", [0, 2])
def test_nothing_is_said_of_a_small_share(num_small):
    assert describe_small_tasks(info(num_small, 8)) == []
