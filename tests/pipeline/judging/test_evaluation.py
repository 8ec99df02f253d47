import numpy as np
import pytest

from models.evaluation.metric import Metric
from models.evaluation.shown import Shown
from pipeline.judging.differences import Contrast
from pipeline.judging.evaluation import Evaluation, open_groups

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
    other = {"cold": 0.6, "warm": 0.9, "cold/support_2": 1.0}
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
    assert users.exchanged() == [("cold/other_support", "cold")]
    assert scenarios.exchanged() == [
        ("scenario_mean/other_support", "scenario_mean/own_support")
    ]
    assert evaluation(MAE, USERS[:-1], {}).exchanged() == []


def test_without_a_pool_cmml_is_held_against_all_and_its_own_other_support():
    whole = Shown("catalogue_mean", "meta_test", 4, 4, max_users=5, is_open=True)
    groups = [MAIN, whole, whole.with_other_support()]
    assert open_groups(groups) == ["catalogue_mean"]
    cmml = {MAIN.group: 0.9, whole.group: 0.6, groups[2].group: 0.2}
    simple = {MAIN.group: 0.5, whole.group: 0.25}
    held = evaluation(RECALL, groups, {"cmml": cmml, "simple": simple})
    assert as_rows(held.differences()) == {
        ("cmml", MAIN.group, "simple", MAIN.group): 0.4,
        ("cmml", whole.group, "simple", whole.group): 0.35,
        ("cmml", whole.group, "cmml", f"{whole.group}/other_support"): 0.4,
    }


def test_intervals_are_of_every_method_group_and_metric(users):
    intervals = users.intervals()
    assert intervals["simple"]["warm"]["mae"].mean == 0.6
    assert {method: list(groups) for method, groups in intervals.items()} == {
        method: list(groups) for method, groups in users.by_task.items()
    }


def as_rows(differences):
    """Mean differences by all of a contrast but its metric."""
    return {contrast[1:]: round(one.mean, 6) for contrast, one in differences.items()}


def test_differences_of_users_are_method_less_reference(users):
    few = {"cold/support_0": -0.1, "cold/support_2": -0.2}
    of_cmml = {"cold": -0.3, "warm": -0.2, **few}
    of_other = {"cold": -0.2, "warm": 0.3, "cold/support_2": 0.1}
    rows = as_rows(users.differences())
    assert rows == {
        **{("cmml", g, "simple", g): value for g, value in of_cmml.items()},
        **{("other", g, "simple", g): value for g, value in of_other.items()},
        # Against every other method on the main group, 0.5 less 0.6, and with fewer
        # pairs, 0.7 less 1.0.
        ("cmml", "cold", "other", "cold"): -0.1,
        ("cmml", "cold/support_2", "other", "cold/support_2"): -0.3,
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
    assert evaluation(MAE, groups, {"cmml": cold}).differences() == {}


def test_further_metrics_of_the_tables_hold_cmml_against_each_method_and_pool():
    metrics = [
        *(MAE, Metric("rmse", higher_is_better=False), RECALL),
        *(Metric("hidden", in_tables=False), Metric("coverage@80", target=0.8)),
    ]
    values = {
        method: {
            group: {one.name: np.array([value, value]) for one in metrics}
            for group in ("cold", "cold/support_2", "open")
        }
        for method, value in (("cmml", 0.5), ("simple", 0.75), ("other", 0.25))
    }
    whole = Shown("open", "meta_test", 4, 4, is_open=True)
    groups = [COLD, COLD.few(2), whole]
    judged = Evaluation(metrics, groups, "simple", values, 0, 100)
    further = {
        contrast: one.mean
        for contrast, one in judged.differences().items()
        if contrast.metric != "mae"
    }
    assert further == {
        Contrast(name, "cmml", group, reference, group): gap
        for name in ("rmse", "recall@20")
        for group in ("cold", "open")
        for reference, gap in (("simple", -0.25), ("other", 0.25))
    }
