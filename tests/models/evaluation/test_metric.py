import math

import pytest

from models.evaluation.intervals import Interval
from models.evaluation.metric import Metric


@pytest.mark.parametrize(
    ("higher_is_better", "low", "high", "better"),
    [
        (False, -2.0, -1.0, True),
        (True, -2.0, -1.0, False),
        (True, 1.0, 2.0, True),
        (True, -2.0, 1.0, None),
    ],
)
def test_a_difference_is_better_in_the_direction_of_the_metric(
    higher_is_better, low, high, better
):
    gap = Interval((low + high) / 2, low, high)
    assert Metric("m", higher_is_better=higher_is_better).is_better(gap) is better


@pytest.mark.parametrize(("higher_is_better", "best"), [(True, "b"), (False, "a")])
def test_the_best_mean_is_named_and_nan_is_the_worst(higher_is_better, best):
    metric = Metric("m", higher_is_better=higher_is_better)
    assert metric.best({"none": math.nan, "a": 1.0, "b": 2.0}) == best
    assert metric.best({}) is None
