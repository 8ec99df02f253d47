import json

import numpy as np
import pytest

from models.evaluation.metric import Metric
from models.evaluation.shown import Shown
from pipeline.judging.evaluation import Evaluation, differences_json

MAE = Metric("mae", unit="stars", higher_is_better=False)
RECALL = Metric("recall@20")

COLD = Shown("cold", "meta_test", 4, 4)
USERS = [COLD, Shown("warm", "meta_train", 4, 4), COLD.few(2), COLD.few(0)]
USERS.append(COLD.with_other_support())

MAIN = Shown("scenario_mean", "meta_test", 4, 4)
SOME = Shown("scenario_mean", "meta_test", 4, 4, max_users=5)
SCENARIOS = [MAIN, SOME.few(0), SOME, SOME.with_other_support()]


def evaluation(metric, groups, by_method, *, reference="simple"):
    """Makes an evaluation of two tasks, each with one value by method and group."""
    by_task = {
        method: {
            group: {metric.name: np.array([value, value])}
            for group, value in values.items()
        }
        for method, values in by_method.items()
    }
    return Evaluation([metric], groups, reference, by_task, 0, 100)


@pytest.fixture
def users():
    """CMML, the reference and another baseline on four groups."""
    own = {"cold": 0.5, "warm": 0.4, "cold/support_0": 0.9, "cold/support_2": 0.7}
    simple = {"cold": 0.8, "warm": 0.6, "cold/support_0": 1.0, "cold/support_2": 0.9}
    other = {"cold": 0.6, "warm": 0.9}
    cmml = own | {"cold/other_support": 1.1}
    methods = {"cmml": cmml, "simple": simple, "other": other}
    return evaluation(MAE, USERS, methods)


@pytest.fixture
def scenarios():
    cmml = {"scenario_mean": 0.9, "scenario_mean/support_0": 0.5}
    cmml |= {"scenario_mean/own_support": 0.8, "scenario_mean/other_support": 0.6}
    others = {"simple": {"scenario_mean": 0.7}, "ease": {"scenario_mean": 0.75}}
    return evaluation(RECALL, SCENARIOS, {"cmml": cmml, **others})


def test_the_first_metric_and_the_first_group_decide(users, scenarios):
    assert (users.metric, users.main) == (MAE, "cold")
    assert (scenarios.metric, scenarios.main) == (RECALL, "scenario_mean")


def test_few_shot_groups_end_with_all_support_pairs(users, scenarios):
    assert list(users.few_shot().items()) == [
        *((0, "cold/support_0"), (2, "cold/support_2"), (4, "cold")),
    ]
    # Some of the users alone are asked about with fewer pairs.
    assert list(scenarios.few_shot().items()) == [
        *((0, "scenario_mean/support_0"), (4, "scenario_mean/own_support")),
    ]
    assert evaluation(MAE, USERS[:2], {}).few_shot() == {}


def test_other_support_stands_beside_the_own_of_the_same_users(users, scenarios):
    assert users.other_support() == ("cold/other_support", "cold")
    assert scenarios.other_support() == (
        *("scenario_mean/other_support", "scenario_mean/own_support"),
    )
    assert evaluation(MAE, USERS[:-1], {}).other_support() is None


def test_intervals_are_of_every_method_group_and_metric(users):
    intervals = users.intervals()
    assert intervals["simple"]["warm"]["mae"].mean == 0.6
    assert {method: list(groups) for method, groups in intervals.items()} == {
        method: list(groups) for method, groups in users.by_task.items()
    }


def as_rows(differences):
    return {
        (d.method, d.group, d.reference, d.reference_group): round(d.interval.mean, 6)
        for d in differences
    }


def test_differences_of_users_are_method_less_reference(users):
    few = {"cold/support_0": -0.1, "cold/support_2": -0.2}
    of_cmml = {"cold": -0.3, "warm": -0.2, **few}
    of_other = {"cold": -0.2, "warm": 0.3}
    rows = as_rows(users.differences())
    assert rows == {
        **{("cmml", g, "simple", g): value for g, value in of_cmml.items()},
        **{("other", g, "simple", g): value for g, value in of_other.items()},
        # Against every other method on the main group: 0.5 less 0.6.
        ("cmml", "cold", "other", "cold"): -0.1,
        # Against itself with fewer pairs and with those of another task.
        ("cmml", "cold", "cmml", "cold/support_0"): -0.4,
        ("cmml", "cold", "cmml", "cold/support_2"): -0.2,
        ("cmml", "cold", "cmml", "cold/other_support"): -0.6,
    }
    assert len(users.differences()) == len(rows)


def test_differences_of_scenarios_hold_some_users_against_the_same_users(scenarios):
    own, none = "scenario_mean/own_support", "scenario_mean/support_0"
    assert as_rows(scenarios.differences()) == {
        ("cmml", "scenario_mean", "simple", "scenario_mean"): 0.2,
        ("ease", "scenario_mean", "simple", "scenario_mean"): 0.05,
        ("cmml", "scenario_mean", "ease", "scenario_mean"): 0.15,
        ("cmml", own, "cmml", none): 0.3,
        ("cmml", own, "cmml", "scenario_mean/other_support"): 0.2,
    }


def test_without_the_reference_cmml_is_held_against_the_others():
    cold = {"cold": 0.5}
    groups = [COLD]
    both = evaluation(MAE, groups, {"cmml": cold, "other": {"cold": 0.6}})
    assert as_rows(both.differences()) == {("cmml", "cold", "other", "cold"): -0.1}
    assert evaluation(MAE, groups, {"cmml": cold}).differences() == []


def test_a_task_without_a_value_is_left_out_of_a_difference():
    values = {"cmml": [1.0, np.nan, 4.0], "simple": [2.0, 2.0, np.nan]}
    by_task = {m: {"cold": {"mae": np.array(v)}} for m, v in values.items()}
    judged = Evaluation([MAE], [COLD], "simple", by_task, 0, 100)
    (difference,) = judged.differences()
    assert difference.interval.mean == -1.0  # Of the first task alone.


def test_the_best_baseline_is_by_the_direction_of_the_metric(users, scenarios):
    assert users.best_baseline() == "other"  # 0.6 against 0.8, less is better.
    assert scenarios.best_baseline() == "ease"  # 0.75 against 0.7.
    assert evaluation(MAE, USERS, {"cmml": {"cold": 0.1}}).best_baseline() is None


def test_differences_are_written_in_one_form(users, scenarios):
    for one, metric, is_higher in (
        (users, "mae", False),
        (scenarios, "recall@20", True),
    ):
        text = json.dumps(differences_json(one.metric, one.differences()))
        values = json.loads(text)
        assert values["format_version"] == 1
        assert values["metric"] == metric
        assert values["higher_is_better"] is is_higher
        assert len(values["differences"]) == len(one.differences())
        for row in values["differences"]:
            assert list(row) == [
                *("method", "group", "reference", "reference_group"),
                *("mean", "low", "high"),
            ]
