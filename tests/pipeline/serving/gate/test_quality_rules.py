import dataclasses

import numpy as np
import pytest

from models.evaluation.metric import Metric
from pipeline.experiment.config_section import PushConfig
from pipeline.serving.gate.quality_rules import (
    better_rule,
    not_worse_rule,
    rubber_stamp,
)
from pipeline.serving.gate.task_figures import TaskFigures

OPTIONS = PushConfig(margin=0.1, num_resamples=2000)


def figures(direction, **by_method):
    metric = Metric("mae" if direction < 0 else "recall@20", "", direction > 0)
    arrays = {name: np.array(values, float) for name, values in by_method.items()}
    return TaskFigures(metric, arrays)


@pytest.mark.parametrize(
    ("direction", "own", "passed"),
    [(-1, 0.5, True), (-1, 1.5, False), (1, 1.5, True), (1, 0.5, False)],
)
def test_the_same_gap_on_every_task_decides_for_certain(direction, own, passed):
    found = figures(direction, own=[own] * 20, other=[1.0] * 20)
    rule = better_rule(found, "own", "other", OPTIONS)
    assert rule.passed == passed
    assert rule.value == pytest.approx(own - 1.0)
    assert rule.limit == ("above 0" if direction > 0 else "below 0")
    gap = f"{own - 1.0:+.4f}"
    assert f"this version less other {gap} [{gap}, {gap}]" in rule.detail
    assert rule.name == "better than other"


def test_a_gap_that_chance_makes_is_not_better():
    # Better by 1 on six tasks, worse by 1 on four: of such tasks, resampled, the mean
    # is often on the other side of 0.
    found = figures(-1, own=[0.0] * 6 + [2.0] * 4, other=[1.0] * 10)
    rule = better_rule(found, "own", "other", OPTIONS)
    assert not rule.passed
    assert rule.value > 0.0
    assert (
        "mae 0.8000 against 1.0000 on 10 tasks, this version less other -0.2000 ["
        in (rule.detail)
    )


def test_equal_is_not_better():
    found = figures(-1, own=[1.0] * 9, other=[1.0] * 9)
    assert not better_rule(found, "own", "other", OPTIONS).passed


def test_tasks_are_compared_in_pairs():
    hard = np.arange(20.0)
    found = figures(-1, own=hard, other=hard + 0.1)
    assert better_rule(found, "own", "other", OPTIONS).passed


@pytest.mark.parametrize(
    ("direction", "own", "passed"),
    [
        (-1, 1.0, True),
        (-1, 1.09, True),
        (-1, 1.11, False),
        (-1, 0.2, True),
        (1, 1.0, True),
        (1, 0.91, True),
        (1, 0.89, False),
        (1, 1.8, True),
    ],
)
def test_a_version_may_be_worse_by_the_margin(direction, own, passed):
    found = figures(direction, own=[own] * 20, now=[1.0] * 20)
    rule = not_worse_rule(found, "own", "now", OPTIONS)
    assert rule.passed == passed
    assert rule.value == pytest.approx(own - 1.0)
    assert rule.limit == ("at least -0.1" if direction > 0 else "at most 0.1")
    gap = f"{own - 1.0:+.4f}, {rule.limit.rpartition(' ')[0]} {own - 1.0:+.4f}"
    assert f"this version less now {gap} with 95 %" in rule.detail
    assert ("equal on every task" in rule.detail) == (own == 1.0)


def test_a_mean_within_the_margin_is_not_enough_if_chance_may_hide_more():
    # Worse by 2 on half of the tasks, better by 1.95 on the others: the mean loss is
    # 0.025, and its standard error over 20 tasks 1.975 / sqrt(20) = 0.44.
    found = figures(-1, own=[3.0, -0.95] * 10, now=[1.0] * 20)
    rule = not_worse_rule(found, "own", "now", OPTIONS)
    assert not rule.passed
    # One-sided 95 %: 0.025 + 1.645 * 0.44 = 0.75.
    assert rule.value == pytest.approx(0.75, abs=0.1)
    assert "this version less now +0.0250, at most +0." in rule.detail


def test_the_same_version_is_not_worse_even_without_a_margin():
    found = figures(-1, own=[1.0, 2.0], now=[1.0, 2.0])
    options = PushConfig(margin=0.0, num_resamples=100)
    rule = not_worse_rule(found, "own", "now", options)
    assert rule.passed
    assert rule.detail.endswith("; equal on every task, so that nothing new was judged")


@pytest.mark.parametrize("rule", [better_rule, not_worse_rule])
def test_only_tasks_that_both_have_count(rule):
    found = figures(-1, own=[0.0, np.nan, 9.0, 0.0], other=[1.0, 1.0, np.nan, 1.0])
    assert "on 2 tasks" in rule(found, "own", "other", OPTIONS).detail


@pytest.mark.parametrize("rule", [better_rule, not_worse_rule])
def test_one_task_decides_nothing(rule):
    found = figures(-1, own=[0.0, np.nan], other=[1.0, 1.0])
    decided = rule(found, "own", "other", OPTIONS)
    assert not decided.passed
    assert decided.detail == "needs 2 tasks that both have figures of, got 1"


def test_the_rules_are_the_same_every_time():
    rng = np.random.default_rng(0)
    found = figures(-1, own=rng.normal(size=30), other=rng.normal(size=30))
    first = better_rule(found, "own", "other", OPTIONS)
    assert better_rule(found, "own", "other", OPTIONS) == first


def test_a_rubber_stamp_says_why():
    rule = rubber_stamp("no version serves yet")
    assert (rule.passed, rule.value, rule.limit) == (True, None, None)
    assert rule.detail == (
        "rubber stamp: no version serves yet; the other rules alone decide"
    )


def test_the_margin_is_in_the_unit_of_the_figures():
    # Worse by 1.5 on every task: 0.075 of a unit of 20.
    found = figures(-1, own=[11.5] * 20, other=[10.0] * 20)
    plain = not_worse_rule(found, "own", "other", OPTIONS)
    assert not plain.passed
    assert "push.margin" not in plain.detail  # The limit is the margin itself.
    rule = not_worse_rule(
        dataclasses.replace(found, unit=20.0), "own", "other", OPTIONS
    )
    assert rule.passed
    assert rule.limit == "at most 2"
    assert rule.detail.endswith(
        "push.margin, 0.1, times the standard deviation of the labels, 20"
    )
