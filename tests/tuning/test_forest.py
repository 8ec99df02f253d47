import numpy as np

from tuning.forest import Forest, forest
from tuning.trial_result import TrialResult

ENCODERS = ("gru", "mean", "max")
KEYS = ("encoder", "rate", "width")


def trial(n, values, objective):
    return TrialResult(f"{n:04}", "completed", values, (objective,), objective)


def draws(num_trials, objective):
    rng = np.random.default_rng(1)
    found = []
    for n in range(num_trials):
        values = {"rate": float(rng.uniform()), "width": float(rng.uniform())}
        values["encoder"] = str(rng.choice(ENCODERS))
        found.append(trial(n, values, objective(**values)))
    return found


def test_a_forest_finds_what_keys_do_together():
    def product(rate, width, encoder):
        return 4.0 * (rate > 0.5) * (width > 0.5)

    found = forest(draws(60, product), KEYS)
    assert isinstance(found, Forest)
    assert found.fit > 0.5
    # Each takes part in 2/3 of the variance, of which the forest finds most.
    shares = found.importance["rate"], found.importance["width"]
    assert 0.3 < min(shares) <= max(shares) < 0.8
    assert abs(found.importance["encoder"]) < 0.1


def test_a_forest_of_noise_tells_nothing():
    noise = np.random.default_rng(3)
    found = forest(draws(40, lambda **_: noise.normal()), KEYS)
    assert "cannot predict trials that it has not seen" in found


def test_few_trials_have_no_forest():
    assert "at least 20 completed trials, got 12" in forest(
        draws(12, lambda **values: values["rate"]), KEYS
    )
    same = draws(20, lambda **_: 1.0)
    assert forest(same, KEYS) == "all trials have the same objective"


def test_a_key_is_dealt_out_among_the_trials_in_which_it_is_active():
    trials = draws(60, lambda encoder, rate, width: rate)
    for one in trials:
        if one.values["encoder"] != "gru":
            del one.values["width"]
    found = forest(trials, KEYS)
    assert isinstance(found, Forest)
    assert 0.7 < found.importance["rate"] < 1.2  # Of 1.
    assert abs(found.importance["width"]) < 0.1
