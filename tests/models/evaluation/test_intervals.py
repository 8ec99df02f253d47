import numpy as np
import pytest

from models.evaluation import intervals


def test_interval_of_equal_tasks_is_a_point():
    interval = intervals.bootstrap_mean([2.0, 2.0, 2.0], seed=0)
    assert interval == intervals.Interval(2.0, 2.0, 2.0, num_tasks=3)


def test_interval_is_that_of_the_normal_approximation():
    values = np.random.default_rng(0).normal(size=400)
    interval = intervals.bootstrap_mean(values, seed=0, num_resamples=4000)
    half_width = 1.96 * values.std() / np.sqrt(400)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half_width, abs=0.01)
    assert interval.high == pytest.approx(values.mean() + half_width, abs=0.01)


def test_a_task_without_a_value_is_left_out_of_the_mean():
    # 1 / 1 task, not 1 / 2.
    assert intervals.bootstrap_mean([np.nan, 1.0], seed=0).mean == 1.0


def test_interval_does_not_depend_on_how_the_draws_are_chunked(monkeypatch):
    values = np.arange(30.0)
    whole = intervals.bootstrap_mean(values, seed=3)
    monkeypatch.setattr(intervals, "_MAX_DRAWS", 100)
    chunked = intervals.bootstrap_mean(values, seed=3)
    assert (chunked.low, chunked.high) == pytest.approx((whole.low, whole.high))


def test_several_means_are_those_of_each_alone():
    rng = np.random.default_rng(0)
    values = [rng.normal(size=30) for _ in range(4)]
    values[1][:3] = np.nan  # Of other tasks than the rest,
    values[2][5:8] = np.nan  # though of as many as the one before.
    assert intervals.bootstrap_means(values, seed=3) == [
        intervals.bootstrap_mean(one, seed=3) for one in values
    ]
    assert intervals.bootstrap_means([], seed=3) == []


def test_a_metric_that_no_task_has_is_left_out():
    metrics = {"mae": np.array([1.0, 1.0]), "ndcg": np.array([np.nan, np.nan])}
    assert intervals.metric_intervals(metrics, 0, 10) == {
        "mae": intervals.Interval(1.0, 1.0, 1.0, 2)
    }


def test_pairing_removes_what_is_hard_for_both_methods():
    hardness = np.random.default_rng(0).normal(scale=10.0, size=100)
    # Every task differs by exactly 0.5, whichever tasks are drawn.
    interval = intervals.paired_difference(hardness + 0.5, hardness, seed=0)
    assert interval.mean == pytest.approx(0.5)
    assert interval.low == pytest.approx(0.5)
    assert interval.high == pytest.approx(0.5)


def test_a_difference_leaves_out_tasks_without_a_value_in_either():
    interval = intervals.paired_difference(
        [1.0, np.nan, 4.0], [0.0, 1.0, np.nan], seed=0
    )
    assert interval == intervals.Interval(1.0, 1.0, 1.0, 1)


def test_a_mean_of_no_task_is_undefined_and_says_so():
    for undefined in (
        intervals.bootstrap_mean([np.nan], seed=0),
        intervals.paired_difference([1.0, np.nan], [np.nan, 1.0], seed=0),
        intervals.resampled_interval(np.zeros([0, 2]), lambda sums: sums[..., 0], 0, 9),
    ):
        assert undefined.num_tasks == 0
        assert np.isnan(undefined.mean)


def test_refuses_what_is_no_vector_and_no_resample():
    with pytest.raises(ValueError, match=r"one a task, got shape \(1, 1\)"):
        intervals.bootstrap_mean([[1.0]], seed=0)
    with pytest.raises(ValueError, match="num_resamples must be at least 1, got 0"):
        intervals.bootstrap_mean([1.0], seed=0, num_resamples=0)


def test_refuses_a_difference_over_other_tasks():
    with pytest.raises(ValueError, match=r"same tasks, got \(2,\) and \(1,\)"):
        intervals.paired_difference([1.0, 2.0], [1.0], seed=0)


def test_resampled_means_are_those_behind_the_interval():
    values = np.random.default_rng(0).normal(size=30)
    found = intervals.bootstrap_mean(values, seed=5, num_resamples=400)
    low, high = np.quantile(intervals.resampled_means(values, 5, 400), [0.025, 0.975])
    np.testing.assert_allclose([low, high], [found.low, found.high])
