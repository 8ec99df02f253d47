import itertools

import numpy as np
import pytest

from tuning.main_effect import main_effect
from tuning.trial_result import TrialResult

ENCODERS, RATES, WIDTHS = ("gru", "mean", "max"), (0.001, 0.01), (32, 64)
KEYS = ("encoder", "rate", "width")


def trial(n, values, objective):
    return TrialResult(f"{n:04}", "completed", values, (objective,), objective)


def grid(objective):
    points = itertools.product(ENCODERS, RATES, WIDTHS)
    named = [dict(zip(KEYS, point, strict=True)) for point in points]
    return [trial(n, values, objective(**values)) for n, values in enumerate(named)]


def additive(encoder, rate, width):
    return {"gru": 0.0, "mean": 1.0, "max": 2.0}[encoder] + (3.0 if rate > 0.005 else 0)


def effects(trials, keys=KEYS):
    return {key: main_effect(trials, key, keys) for key in keys}


def test_main_effects_of_a_grid_by_hand():
    # Variances: 2/3 of the encoder, 9/4 of the rate; in all 35/12.
    found = effects(grid(additive))
    assert found["encoder"].share == pytest.approx((2 / 3) / (35 / 12))
    assert found["rate"].share == pytest.approx((9 / 4) / (35 / 12))
    assert found["width"].share == pytest.approx(0.0)
    assert found["encoder"].means == pytest.approx(
        {"gru": 1.5, "mean": 2.5, "max": 3.5}
    )
    assert (found["rate"].p, found["width"].p) == (0.0, 1.0)
    # Nothing lies between the widths of a block, whatever is permuted.
    assert found["width"].by_chance == pytest.approx(0.0)
    assert sum(effect.share for effect in found.values()) == pytest.approx(1.0)


def test_a_key_that_does_nothing_is_not_told_from_chance():
    noise = iter(np.random.default_rng(1).normal(size=12))
    found = effects(grid(lambda **_: next(noise)))
    assert all(effect.p > 0.05 for effect in found.values())
    assert found["rate"].by_chance > 0.0


def test_the_f_test_by_hand():
    # Blocks 0, 1, 2 and 6; the key adds 1, 1, 1 and 3. Of the differences the mean is
    # 1.5 and the variance 1, so t = 1.5 / sqrt(1 / 4) = 3 with 3 degrees of freedom.
    gaps = {0.0: 1.0, 1.0: 1.0, 2.0: 1.0, 6.0: 3.0}
    trials = [
        trial(2 * n + on, {"on": bool(on), "block": block}, block + gap * on)
        for n, (block, gap) in enumerate(gaps.items())
        for on in (0, 1)
    ]
    effect = main_effect(trials, "on", ["on", "block"])
    assert effect.p == pytest.approx(0.0577, abs=1e-4)
    assert effect.means == pytest.approx({"false": 2.25, "true": 3.75})


def test_blocks_in_which_a_value_is_missing_are_left_out():
    trials = [t for t in grid(additive) if t.trial_id != "0000"]
    effect = main_effect(trials, "rate", KEYS)
    assert effect.num_trials == 10
    assert effect.means["0.01"] - effect.means["0.001"] == pytest.approx(3.0)


def test_a_conditional_key_is_judged_where_it_is_active():
    trials = []
    for encoder, rate in itertools.product(ENCODERS, (1, 2, 3, 4)):
        for orders in (1, 2) if encoder == "gru" else (None,):
            values = {"encoder": encoder, "rate": rate}
            values |= {} if orders is None else {"orders": orders}
            worth = rate + (10.0 * orders if orders else 0.0)
            trials.append(trial(len(trials), values, worth))
    found = effects(trials, ("encoder", "rate", "orders"))
    # Of the 8 trials with "gru": 25 of the orders, 5/4 of the rates.
    assert found["orders"].share == pytest.approx(25 / (25 + 5 / 4))
    assert found["orders"].num_trials == 8
    # The encoder is compared over the mean of the orders: 15 against 0.
    assert found["encoder"].means == pytest.approx(
        {"gru": 17.5, "mean": 2.5, "max": 2.5}
    )
    assert found["encoder"].num_trials == 16


@pytest.mark.parametrize(
    ("trials", "reason"),
    [
        ([], "fewer than two values were tried"),
        (grid(lambda **_: 1.0), "all trials have the same objective"),
        (
            grid(additive)[:6],
            "too few trials differ in it alone: 6 in 3 complete comparisons of its 2",
        ),
        (
            [trial(n, {"rate": n, "width": n}, 1.0 * n) for n in range(12)],
            "too few trials differ in it alone: 0 in 0 complete comparisons of its 12",
        ),
    ],
)
def test_what_cannot_be_known_has_no_main_effect(trials, reason):
    assert reason in main_effect(trials, "width", KEYS)
