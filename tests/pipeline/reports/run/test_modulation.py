import numpy as np
import pytest

from pipeline.insight.contexts import TaskContexts
from pipeline.reports.run.modulation import group_modulations, largest_groups


def contexts(**labels):
    num_contexts = len(next(iter(labels.values())))
    ids = [f"u{n}" for n in range(num_contexts)]
    return TaskContexts(ids, np.zeros((num_contexts, 2), np.float32), labels)


def test_groups_are_of_the_three_most_frequent_labels():
    found = contexts(
        split=["meta_test"] * 8, taste=["a", "", "b", "b", "c", "d", "d", "c"]
    )
    groups = largest_groups(found)
    assert groups == {
        "taste b": ["u2", "u3"],
        "taste c": ["u4", "u7"],
        "taste d": ["u5", "u6"],
    }


def test_what_a_task_is_about_comes_before_other_labels():
    found = contexts(sex=["f", "m"], scenario=["rock", "jazz"], support_size=[1.0, 2.0])
    assert list(largest_groups(found)) == ["scenario jazz", "scenario rock"]


def test_support_sets_of_one_task_are_one_task():
    found = contexts(scenario=["rock", "rock", "jazz"])
    found = TaskContexts(["1", "1", "2"], found.contexts, found.labels)
    assert largest_groups(found) == {"scenario rock": ["1"], "scenario jazz": ["2"]}


def test_tasks_without_labels_are_one_group():
    assert largest_groups(contexts(split=["a", "a"])) == {
        "the first tasks": ["u0", "u1"]
    }


def test_scales_of_groups_are_compared_by_their_means():
    values = {
        "u0": {"scale_0": np.array([1.0, 3.0])},
        "u1": {"scale_0": np.array([1.0, 5.0])},
        "u2": {"scale_0": np.array([1.0, 2.0])},
    }
    groups = {"a": ["u0", "u1"], "b": ["u2", "gone"]}
    (sentence,), figures = group_modulations(groups, values)
    # Means are [1, 4] and [1, 2]: 1 apart on average, and [1, 4] spread by 1.5.
    assert sentence.startswith(
        "a (2 tasks) and b (1 task) differ by 1 on average, 66.7%"
    )
    assert figures.routes is None
    assert figures.has_scales


@pytest.mark.parametrize("names", [["a"], ["a", "b"]])
def test_routes_are_drawn_as_a_graph_too(names):
    routes = {"routes_0": np.eye(2), "routes_1": np.array([0.5, 0.5])}
    values = dict.fromkeys(names, routes)
    _, figures = group_modulations({n: [n] for n in names}, values)
    assert "<svg" in figures.routes
    assert figures.is_compared == (len(names) > 1)


def test_groups_without_values_make_no_figure():
    assert group_modulations({"a": ["u0"]}, {}) is None
