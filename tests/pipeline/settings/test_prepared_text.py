import pytest

from pipeline.settings.prepared_text import describe_few_tasks
from transforms.schema import CommonInfo


def info(meta_validation, meta_test, path=None):
    return CommonInfo(
        num_users=9,
        num_items=9,
        num_tasks={
            "meta_train": 9,
            "meta_validation": meta_validation,
            "meta_test": meta_test,
        },
        num_dropped={},
        options={"split": {"path": path}},
    )


def test_few_tasks_are_said_with_the_cure():
    assert describe_few_tasks(info(0, 3)) == [
        "prepare: few tasks: meta_validation has 0 tasks and meta_test has 3 tasks, "
        "and fewer than 6 do not tell methods apart: a hash puts each task into a "
        "split, so that few are split by chance. Name them in data.split.path, or set "
        "another data.split.seed or larger fractions"
    ]


def test_few_tasks_of_a_split_file_are_no_chance():
    (sentence,) = describe_few_tasks(info(6, 1, "s.json"))
    assert sentence == (
        "prepare: few tasks: meta_test has 1 task, and fewer than 6 do not tell "
        "methods apart: name more of them in data.split.path"
    )


@pytest.mark.parametrize("path", [None, "s.json"])
def test_nothing_is_said_of_many_tasks(path):
    assert describe_few_tasks(info(6, 6, path)) == []
