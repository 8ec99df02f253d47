import numpy as np
import pytest

from models.evaluation.metric import Metric
from pipeline.judging.results import CostCurve, MethodResult, Setup


def test_a_task_counts_with_the_mean_of_its_seeds():
    values = {"cold": {"mae": np.array([[1.0, 4.0, np.nan], [2.0, 0.0, np.nan]])}}
    result = MethodResult("cmml", "cmml", {}, values)
    np.testing.assert_array_equal(result.by_task("cold", "mae"), [1.5, 2.0, np.nan])
    assert result.by_task("cold", "rmse") is None
    assert result.by_task("warm", "mae") is None


def test_a_method_without_values_says_why():
    with pytest.raises(ValueError, match=r"'dcn' must have values or a failure"):
        MethodResult("dcn", "learned", {}, {})


def test_an_unknown_kind_is_an_error():
    with pytest.raises(ValueError, match=r"kind must be one of .*, got 'deep'"):
        MethodResult("dcn", "deep", {}, {}, failure="x")


def test_values_without_seeds_are_an_error():
    values = {"cold": {"mae": np.zeros(3)}}
    with pytest.raises(ValueError, match=r"\[num_seeds, T\], got shape \(3,\)"):
        MethodResult("dcn", "learned", {}, values)


def test_a_curve_has_a_value_for_each_number_of_steps():
    with pytest.raises(ValueError, match=r"adapt_ms of 'melu' must hold 2 values"):
        CostCurve("melu", (1, 5), [1.0, 2.0], [1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"train_ms of 'cmml' must hold 1 values"):
        CostCurve("cmml", (), [1.0, 2.0], [1.0], [1.0])


def test_the_first_group_and_the_first_metric_decide():
    groups = {"cold": "a", "warm": "b"}
    metrics = [Metric("mae", higher_is_better=False), Metric("rmse")]
    setup = Setup("x", "user", "meta_test", metrics, groups, (0,), 3)
    assert setup.main_group == "cold"
    assert (setup.metric, setup.primary) == (metrics[0], "mae")
    with pytest.raises(ValueError, match="at least the main group"):
        Setup("x", "user", "meta_test", metrics, {}, (0,), 3)
