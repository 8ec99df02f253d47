import dataclasses
import itertools

import pytest

from tuning.importance import importance, worst_counted
from tuning.main_effect import main_effect
from tuning.trial_result import TrialResult

KEYS = ("rate", "width")


@pytest.fixture
def trials():
    """A grid in which the rate matters, and a little luck."""
    luck = itertools.cycle([0.0, 0.1, 0.2])
    found = []
    for number, point in enumerate(itertools.product((1, 2), range(6))):
        worth = 3.0 * point[0] + next(luck)
        values = dict(zip(KEYS, point, strict=True))
        found.append(TrialResult(f"{number:04}", "completed", values, (worth,), worth))
    return found


def test_each_key_has_a_main_effect_and_few_trials_no_forest(trials):
    found = importance(trials, KEYS, minimise=True)
    assert list(found.main) == list(KEYS)
    assert found.main["rate"].share > 0.9
    assert "at least 20 completed trials, got 12" in found.forest


def test_trials_that_were_not_completed_do_not_count(trials):
    bad = TrialResult("9", "failed", trials[0].values, reason="loss is not finite")
    before = importance(trials, KEYS, minimise=True)
    assert importance([*trials, bad], KEYS, minimise=True) == before
    nothing = importance([bad], KEYS, minimise=True)
    assert set(nothing.main.values()) == {nothing.forest} == {"no trial was completed"}


def test_a_trial_that_diverged_does_not_hide_the_others(trials):
    trials[3] = dataclasses.replace(trials[3], objective=1e6)
    found = importance(trials, KEYS, minimise=True).main
    assert found["rate"].share > 0.25 > main_effect(trials, "rate", KEYS).share
    upside_down = [dataclasses.replace(t, objective=-t.objective) for t in trials]
    turned = importance(upside_down, KEYS, minimise=False).main
    assert turned["rate"].share == pytest.approx(found["rate"].share)


def test_the_limit_by_hand():
    # Three quarters of them lie within 4 of the best.
    assert worst_counted([0.0, 2.0, 3.0, 4.0, 99.0], minimise=True) == 8.0
    assert worst_counted([0.0, -2.0, -3.0, -4.0, -99.0], minimise=False) == -8.0


@pytest.mark.parametrize(
    "objectives", [[1.0], [1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 1.0, 9.0]]
)
def test_where_none_stands_out_the_worst_is_the_limit(objectives):
    assert worst_counted(objectives, minimise=True) == max(objectives)
