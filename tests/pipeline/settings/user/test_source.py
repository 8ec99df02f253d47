import types

import pytest

from pipeline.settings.user.source import describe_small_tasks


def info(num_small, num_tasks):
    return types.SimpleNamespace(
        num_dropped={"task_too_small": num_small},
        num_tasks={"meta_train": num_tasks - 2, "meta_test": 2},
        options={"episodes": {"query_size": 10, "min_support_size": 1}},
    )


def test_a_large_share_of_users_without_a_task_is_said_with_the_key():
    (line,) = describe_small_tasks(info(3, 7))
    assert line == (
        "prepare: 30% of users have fewer than 11 pairs and no task: methods are "
        "judged on the others; with a data.episodes.query_size below 10 they are "
        "judged on more"
    )


@pytest.mark.parametrize("num_small", [0, 2])
def test_nothing_is_said_of_a_small_share(num_small):
    assert describe_small_tasks(info(num_small, 8)) == []
