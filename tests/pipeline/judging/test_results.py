import numpy as np
import pytest

from pipeline.judging.results import CostCurve, MethodResult, Setup, direction


def test_a_task_counts_with_the_mean_of_its_seeds():
    values = {"cold": {"mae": np.array([[1.0, 4.0, np.nan], [2.0, 0.0, np.nan]])}}
    result = MethodResult("cmml", "cmml", {}, values)
    np.testing.assert_array_equal(result.by_task("cold", "mae"), [1.5, 2.0, np.nan])
    assert result.by_task("cold", "rmse") is None
    assert result.by_task("warm", "mae") is None


def test_errors_are_better_low_and_all_else_high():
    assert [direction(m) for m in ("mae", "rmse", "recall@20", "ndcg@3")] == [
        *(-1, -1, 1, 1)
    ]


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


def test_the_first_group_is_the_main_one():
    groups = {"cold": "a", "warm": "b"}
    setup = Setup("x", "user", "meta_test", "mae", (), groups, (0,), 3)
    assert setup.main_group == "cold"
    with pytest.raises(ValueError, match="at least the main group"):
        Setup("x", "user", "meta_test", "mae", (), {}, (0,), 3)
