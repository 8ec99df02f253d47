import dataclasses

import pytest

from pipeline.settings.prepared_text import describe_counts, describe_few_tasks
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


def test_each_reason_of_what_is_left_out_is_a_line():
    counts = {"task_too_small": 2, "pair_over_limit": 7}
    left_out = dataclasses.replace(info(6, 6), num_dropped=counts)
    assert describe_counts(left_out)[-2:] == [
        "prepare: left out: 2 tasks with too few pairs (data.episodes.query_size and "
        "data.episodes.min_support_size)",
        "prepare: left out: 7 pairs over the most that a task may have "
        "(data.episodes.max_interactions_per_task and "
        "data.episodes.max_interactions_per_meta_train_task)",
    ]
    assert describe_counts(info(6, 6))[-1] == "prepare: left out: nothing"


def test_few_tasks_are_said_with_the_cure():
    assert describe_few_tasks(info(0, 3)) == [
        "prepare: few tasks: meta_validation has 0 tasks and meta_test has 3 tasks, "
        "and fewer than 6 do not tell methods apart: a hash splits tasks, so that few "
        "are split by chance; set another data.split.seed or other fractions in "
        "data.split, or name them in a file, data.split.path"
    ]


def test_few_tasks_of_a_split_file_are_no_chance():
    (sentence,) = describe_few_tasks(info(6, 1, "s.json"))
    assert sentence == (
        "prepare: few tasks: meta_test has 1 task, and fewer than 6 do not tell "
        "methods apart: name more of them in data.split.path, s.json"
    )


@pytest.mark.parametrize(
    ("task", "cure"),
    [
        ({}, "set another data.split.test_from than 2025-01-01, of the kind"),
        ({"task": "user"}, "set another data.split.test_from than 2025-01-01, of the"),
        ({"task": "scenario"}, "a scenario is asked about if it has clicks before"),
    ],
)
def test_few_tasks_of_a_split_by_time_have_another_cure(task, cure):
    split = {"path": None, "test_from": "2025-01-01"}
    few = dataclasses.replace(info(6, 1), options={"split": split, **task})
    (sentence,) = describe_few_tasks(few)
    assert f"do not tell methods apart: {cure}" in sentence


@pytest.mark.parametrize("path", [None, "s.json"])
def test_nothing_is_said_of_many_tasks(path):
    assert describe_few_tasks(info(6, 6, path)) == []
