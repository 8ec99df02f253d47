import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluation.intervals import UNDEFINED, Interval, bootstrap_mean
from pipeline.judging.statistics import (
    Difference,
    differences,
    holm,
    p_of_interval,
    p_value,
    seed_interval,
    standing,
    task_interval,
)

P_VALUES = st.lists(st.floats(0.0, 1.0), max_size=12)


def test_holm_by_hand():
    # Sorted .01, .03, .04 times 3, 2, 1: .03, .06, .04, the last raised to .06.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])


def test_holm_of_one_and_of_none():
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


def test_holm_never_exceeds_one():
    assert holm([0.6, 0.7]) == [1.0, 1.0]


@given(P_VALUES)
@settings(deadline=None, max_examples=50)
def test_holm_raises_p_values_and_keeps_their_order(p_values):
    corrected = holm(p_values)
    pairs = sorted(zip(p_values, corrected, strict=True))
    assert all(p <= c <= 1.0 for p, c in pairs)
    assert [c for _, c in pairs] == sorted(corrected)
    assert all(c <= len(pairs) * p + 1e-12 for p, c in pairs)  # As Bonferroni.


@given(P_VALUES, st.randoms())
@settings(deadline=None, max_examples=50)
def test_holm_does_not_depend_on_the_order(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    shuffled = holm([p_values[n] for n in order])
    corrected = holm(p_values)
    assert shuffled == [corrected[n] for n in order]


def test_the_p_value_of_an_interval_is_that_of_the_side_of_0():
    # 1.96 deviations to the end at 0, so that p is 0.05, whatever the other side.
    assert p_of_interval(Interval(0.2, 0.0, 0.9)) == pytest.approx(0.05)
    assert p_of_interval(Interval(-0.2, -0.3, 0.0)) == pytest.approx(0.05)
    # Twice as far as its end is from it: 3.92 deviations.
    assert p_of_interval(Interval(0.2, 0.1, 0.3)) == pytest.approx(8.857e-5, rel=1e-3)
    assert p_of_interval(Interval(0.1, -0.1, 0.2)) == pytest.approx(0.32709, rel=1e-3)


def test_the_p_value_of_no_difference_and_of_no_doubt():
    assert p_of_interval(Interval(0.0, 0.0, 0.0)) == 1.0
    assert p_of_interval(UNDEFINED) == 1.0
    assert p_of_interval(Interval(0.2, 0.1, 0.3, 5)) == 1.0  # Of too few tasks.
    assert p_of_interval(Interval(0.2, 0.1, 0.3, 6)) < 0.05
    assert p_of_interval(Interval(0.1, 0.1, 0.1)) == 0.0


def test_a_p_value_by_hand():
    # Two tasks, -1 and 3: a resample has mean -1, 1 or 3, the first in 1 of 4.
    p = p_value(np.array([-1.0, 3.0]), seed=0, num_resamples=20_000)
    assert p == pytest.approx(2.0 / 4.0, abs=0.02)


def test_a_sure_difference_has_the_least_p_value():
    assert p_value(np.array([1.0, 2.0]), seed=0, num_resamples=500) == 2.0 / 501.0
    assert p_value(np.array([-1.0, -2.0]), seed=0, num_resamples=500) == 2.0 / 501.0


def test_no_difference_has_the_p_value_one():
    assert p_value(np.zeros(5), seed=0, num_resamples=100) == 1.0


def test_the_sign_of_a_difference_does_not_matter_to_p():
    gap = np.random.default_rng(1).normal(0.2, 1.0, 50)
    assert p_value(gap, 0, 300) == p_value(-gap, 0, 300)


def test_an_interval_over_seeds_by_hand():
    # Means 1 and 3 (NaN left out): 2 +- 12.706 * sqrt(2) / sqrt(2).
    found = seed_interval(np.array([[0.0, 2.0, np.nan], [3.0, 3.0, np.nan]]))
    np.testing.assert_allclose(
        [found.mean, found.low, found.high], [2.0, -10.706, 14.706], atol=1e-3
    )


def test_one_seed_has_no_interval():
    assert seed_interval(np.array([[1.0, 2.0]])) is None
    assert seed_interval(np.full((2, 3), np.nan)) is None


def test_tasks_without_a_value_are_left_out():
    found = task_interval(np.array([1.0, np.nan, 1.0]), 0, 100)
    assert (found.mean, found.low, found.high) == (1.0, 1.0, 1.0)
    assert task_interval(np.array([np.nan]), 0, 100) is None
    assert task_interval(None, 0, 100) is None


def test_differences_are_paired_and_corrected():
    base = np.array([1.0, 2.0, 3.0, np.nan])
    methods = {
        "better": base - 0.5,
        "same": base,
        "unknown": np.full(4, np.nan),
    }
    found = differences(methods, base, seed=0, num_resamples=100)
    assert found.keys() == {"better", "same"}
    # Every task differs by as much, so that no resample does otherwise.
    assert found["better"].interval.low == found["better"].interval.high == -0.5
    assert found["better"].p == pytest.approx(2.0 / 101.0)
    assert found["better"].holm_p == pytest.approx(4.0 / 101.0)
    assert found["better"].is_beyond_chance
    assert (found["same"].p, found["same"].holm_p) == (1.0, 1.0)
    assert not found["same"].is_beyond_chance


def test_beyond_chance_is_what_is_left_after_the_correction():
    interval = bootstrap_mean([1.0], 0, 100)
    assert Difference(interval, p=0.01, holm_p=0.05).is_beyond_chance
    assert not Difference(interval, p=0.01, holm_p=0.06).is_beyond_chance


def test_wins_and_losses_by_hand():
    method = np.array([1.0, 2.0, 5.0, 4.0, np.nan])
    base = np.array([2.0, 3.0, 4.0, 4.0, 1.0])
    # Less by 1, less by 1, more by 1, equal, unknown.
    found = standing(method, base, -1, seed=0, num_resamples=200)
    assert (found.better, found.worse, found.mean) == (0.5, 0.25, -0.25)
    assert found.verdict == "even"
    turned = standing(method, base, 1, seed=0, num_resamples=200)
    assert (turned.better, turned.worse, turned.mean) == (0.25, 0.5, -0.25)


@pytest.mark.parametrize(
    ("direction", "verdict"), [(-1, "worse"), (1, "better")], ids=["error", "recall"]
)
def test_a_verdict_knows_which_way_is_better(direction, verdict):
    method, base = np.array([2.0, 3.0]), np.array([1.0, 1.0])
    assert standing(method, base, direction, 0, 100).verdict == verdict


def test_an_unknown_method_has_no_standing():
    assert standing(None, np.ones(2), 1, 0, 100) is None
    assert standing(np.ones(2), np.full(2, np.nan), 1, 0, 100) is None
