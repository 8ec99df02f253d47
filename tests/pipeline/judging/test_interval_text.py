import pytest

from models.evaluation.intervals import UNDEFINED, Interval
from pipeline.judging.interval_text import cell, signed, task_counts, untold


def test_what_no_task_has_is_a_dash():
    assert cell(UNDEFINED) == signed(UNDEFINED) == "-"
    assert cell(Interval(0.5, 0.25, 0.75, 9)) == "0.5000 [0.250, 0.750]"


def test_one_task_has_no_interval():
    one = Interval(0.5, 0.5, 0.5, 1)
    assert (cell(one), signed(one)) == ("0.5000", "+0.5000")


def test_a_mean_of_too_few_tasks_stands_alone():
    five = Interval(0.5, 0.25, 0.75, 5)
    assert (cell(five, least=6), signed(five, least=6)) == ("0.5000", "+0.5000")
    assert cell(five, least=5) == "0.5000 [0.250, 0.750]"
    assert signed(five) == "+0.5000 [+0.2500, +0.7500]"


@pytest.mark.parametrize(
    ("num_tasks", "text"),
    [
        (1, "cannot be told of only 1 task"),
        (5, "cannot be told of only 5 tasks"),
        (6, ""),
        (None, ""),
    ],
)
def test_a_difference_of_few_tasks_tells_nothing(num_tasks, text):
    assert untold(Interval(0.5, 0.25, 0.75, num_tasks)) == text


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({"mae": 80, "rmse": 80}, "80 tasks"),
        ({"mae": 1}, "1 task"),
        (
            {"mae": 80, "rmse": 80, "ndcg": 71},
            "80 tasks (mae, rmse), 71 of 80 tasks (ndcg)",
        ),
        ({"mae": 2, "ndcg": 0}, "2 tasks (mae), no task (ndcg)"),
        ({"ndcg": 0}, "no task (ndcg)"),
    ],
)
def test_means_of_as_many_tasks_are_named_together(counts, text):
    found = {n: Interval(0.0, 0.0, 0.0, count) for n, count in counts.items() if count}
    assert task_counts(counts, found) == text
