import math

import pytest

from models.evaluation.intervals import Interval
from models.evaluation.metric import Metric

ERROR = Metric("mae", unit="stars", higher_is_better=False)
RECALL = Metric("recall@20")
COVERAGE = Metric("coverage@80", target=0.8)


@pytest.mark.parametrize(
    ("low", "high", "error", "recall"),
    [
        (-0.3, -0.1, True, False),
        (0.1, 0.3, False, True),
        (-0.1, 0.3, None, None),
        # An interval that ends at 0 may be chance.
        (0.0, 0.3, None, None),
        (-0.3, 0.0, None, None),
    ],
)
def test_a_difference_is_to_the_better_or_to_the_worse_or_chance(
    low, high, error, recall
):
    difference = Interval((low + high) / 2.0, low, high)
    assert ERROR.is_better(difference) is error
    assert RECALL.is_better(difference) is recall


@pytest.mark.parametrize(("num_tasks", "recall"), [(5, None), (6, True), (None, True)])
def test_what_a_few_tasks_agree_on_may_be_chance(num_tasks, recall):
    assert RECALL.is_better(Interval(0.2, 0.1, 0.3, num_tasks)) is recall


def test_the_direction_turns_a_mean_so_that_more_is_better():
    assert (ERROR.direction, RECALL.direction) == (-1, 1)


def test_the_best_mean_is_by_the_direction_and_the_first_of_equals():
    means = {"a": 0.5, "b": 0.7, "c": 0.7, "d": 0.5}
    assert ERROR.best(means) == "a"
    assert RECALL.best(means) == "b"


def test_a_mean_that_is_not_known_is_the_worst():
    means = {"unknown": math.nan, "poor": 9.0}
    assert ERROR.best(means) == RECALL.best(means) == "poor"
    assert RECALL.best({}) is None


def test_of_a_metric_with_a_target_neither_more_nor_less_is_better():
    assert COVERAGE.direction == 0
    assert COVERAGE.is_better(Interval(0.2, 0.1, 0.3)) is None
    assert COVERAGE.is_better(Interval(-0.2, -0.3, -0.1)) is None


def test_the_mean_nearest_to_the_target_is_the_best():
    # Off by 0.2, 0.1 and 0.15.
    assert COVERAGE.best({"full": 1.0, "near": 0.7, "some": 0.95}) == "near"
    assert COVERAGE.best({"unknown": math.nan, "none": 0.0}) == "none"
