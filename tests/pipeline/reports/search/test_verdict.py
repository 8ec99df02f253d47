import dataclasses
import math

import pytest

from pipeline.reports.search.verdict import (
    advice,
    description,
    how_judged,
    reasons,
    seed_noise,
    verdict,
)
from tuning.importance import Importance
from tuning.main_effect import MainEffect
from tuning.space import Space

UNKNOWN = Importance({}, "too few trials")


def test_the_best_trial_is_named_with_what_it_is(results):
    first, *_ = verdict(results)
    assert first.startswith("Trial 0008 is the best, with model.encoder = gru, ")
    assert "lowest mean val_mae of 2 seeds plus 0.5 times" in first
    assert "0.7007 stars (mean 0.7000, seeds from 0.6990 to 0.7010)" in first


def test_a_lead_beyond_noise_is_told_in_spreads_of_seeds(results):
    # The second is 0.01 behind; seeds have a spread of 0.001 times the root of 2.
    lead = verdict(results)[1]
    assert "0.0100 stars ahead of the second, trial 0005" in lead
    assert "7.1 times the spread of seeds (0.0014)" in lead
    assert "within noise" not in lead


def test_a_lead_within_noise_is_said_to_be(with_scores):
    results = with_scores((1.0, 1.2), (1.05, 1.25), (1.1, 1.3), (5.0, 5.2))
    lead, even = verdict(results)[1:3]
    assert lead.endswith("the difference is within noise.")
    assert "0.35 times the spread of seeds (0.1414)" in lead
    assert even.startswith("2 trials are not told apart from the best")


def test_trials_and_their_time_are_counted(results):
    count = verdict(results)[2]
    assert "20 trials 18 completed, 1 failed, 1 invalid" in count
    assert "9.0 minutes" in count


def test_each_reason_is_told_once(results):
    failed = [t for t in results.trials if t.status == "failed"] * 4
    invalid = [t for t in results.trials if t.status == "invalid"]
    found = reasons(dataclasses.replace(results, trials=(*failed, *invalid)))
    assert found == [
        f"4 failed (0018, 0018, 0018, ...): {failed[0].reason}",
        "1 invalid (skipped-0000): no.",
    ]


def test_one_seed_cannot_tell_luck(with_scores):
    first, lead, *_ = verdict(with_scores((1.0,), (2.0,)))
    assert "val_mae of one seed, 1.0000 stars." in first
    assert "with one seed it cannot be known whether that is more than luck" in lead


def test_of_equals_the_earliest_is_taken(with_scores):
    first, lead, *_ = verdict(with_scores((2.0, 2.0), (1.0, 1.0), (1.0, 1.0)))
    assert first.startswith("Trial 0001 is the best")
    assert lead == "Of equals the earliest is taken: 0002 did as well."


def test_a_trial_alone_has_nothing_to_be_held_against(with_scores):
    assert "only completed trial" in verdict(with_scores((1.0, 1.1)))[1]


def test_seeds_that_make_no_difference_have_no_noise(with_scores):
    lead = verdict(with_scores((1.0, 1.0), (2.0, 2.0)))[1]
    assert lead.endswith("and seeds make no difference.")


@pytest.mark.parametrize(("minimise", "sign"), [(True, "plus"), (False, "less")])
def test_the_spread_counts_to_the_worse_side(with_scores, minimise, sign):
    results = with_scores((1.0, 2.0), minimise=minimise)
    expected = f"mean val_mae of 2 seeds {sign} 0.5 times their standard deviation"
    assert how_judged(results) == expected


def test_what_was_searched_is_described(results):
    assert (
        description(results) == "Search 'tiny' by grid, 4 keys, 20 trials of 2 seeds."
    )


def test_noise_by_hand(with_scores):
    # Two seeds that are 2 h apart have a standard deviation of h times the root of 2.
    trials = with_scores((1.0, 1.2), (1.5, 1.9), (3.0, 9.0)).best_first()
    noise = seed_noise(trials)
    # Of the better half, two trials, the mean variance is (0.02 + 0.08) / 2.
    assert noise.spread == pytest.approx(math.sqrt(0.05))
    # Two means of two seeds differ by luck with that deviation. Told from two degrees
    # of freedom, 95 % of such differences are below 4.303 deviations.
    assert noise.least_gap == pytest.approx(4.303 * math.sqrt(0.05), rel=1e-3)
    assert noise.is_within(trials[0], trials[1])
    assert not noise.is_within(trials[0], trials[2])


def test_of_one_seed_no_noise_is_known(with_scores):
    assert seed_noise(with_scores((1.0,), (2.0,)).best_first()) is None


def search_of(results, domain, *values):
    space = Space.model_validate({"name": "s", "keys": {"model.width": domain}})
    trials = tuple(
        dataclasses.replace(trial, values={"model.width": value})
        for trial, value in zip(results.best_first(), values, strict=False)
    )
    return dataclasses.replace(results, space=space, trials=trials)


def edges(results, domain, best, found=UNKNOWN):
    sentences = advice(search_of(results, domain, best), found, 99)
    return [sentence for sentence in sentences if "was allowed" in sentence]


@pytest.mark.parametrize(
    ("domain", "best", "side"),
    [
        ({"min": 1e-4, "max": 1e-2, "scale": "log"}, 0.0099, "highest"),
        ({"min": 1e-4, "max": 1e-2, "scale": "log"}, 1.01e-4, "lowest"),
        ({"min": 0, "max": 10}, 10, "highest"),
        ([8, 32, 16], 32, "highest"),
        ([8, 32, 16], 8, "lowest"),
    ],
)
def test_a_best_value_at_an_end_asks_for_more(results, domain, best, side):
    (sentence,) = edges(results, domain, best)
    assert sentence == (
        f"model.width: the best value, {best}, is the {side} that was allowed. Let the "
        "space go beyond it."
    )


@pytest.mark.parametrize(
    ("domain", "best"),
    [
        ({"min": 1e-4, "max": 1e-2, "scale": "log"}, 0.001),
        ([8, 16], 16),
        (["gru", "mean", "max"], "max"),
        ([False, True], True),
    ],
)
def test_other_values_ask_for_nothing(results, domain, best):
    assert not edges(results, domain, best)


def test_a_key_that_does_nothing_is_not_to_be_widened(results):
    idle = MainEffect(0.01, 0.1, 0.6, {}, 20)
    found = Importance({"model.width": idle}, "")
    assert not edges(results, [8, 16, 32], 32, found)
    sentences = advice(search_of(results, [8, 16, 32], 32), found, 99)
    assert any("no effect beyond chance is seen of model.width" in s for s in sentences)


def test_a_best_epoch_that_is_the_last_asks_for_more(results):
    assert (
        "The best trial was at its best in its last epoch (9) with 1 of 2 seeds: raise "
        "training.max_epochs."
    ) in advice(results, UNKNOWN, 9)
    assert not any("epoch" in sentence for sentence in advice(results, UNKNOWN, 10))


def test_trials_that_kept_the_start_ask_for_other_keys(results):
    trials = tuple(dataclasses.replace(t, best_epochs=(0, 0)) for t in results.trials)
    kept = dataclasses.replace(results, trials=trials)
    edge = "training.learning_rate: the best value"
    assert any(edge in one for one in advice(results, UNKNOWN, 20))
    found = advice(kept, UNKNOWN, 20)
    assert found[0].startswith("No epoch of any trial was better than the start")
    assert not any(edge in one for one in found)


def test_trials_within_noise_ask_for_seeds_or_for_the_lighter_one(with_scores):
    results = with_scores((1.0, 1.2), (1.05, 1.25), (5.0, 5.1), (6.0, 6.1))
    sentences = advice(results, UNKNOWN, 99)
    assert any("with more seeds" in sentence for sentence in sentences)
    assert not any("its weights" in sentence for sentence in sentences)
    light = dataclasses.replace(results.trials[1], num_parameters=300)
    trials = (results.trials[0], light, *results.trials[2:])
    sentences = advice(dataclasses.replace(results, trials=trials), UNKNOWN, 99)
    told = "Trial 0001 is not told apart from the best and has 30% of its weights."
    assert told in sentences


def test_one_seed_asks_for_several_and_a_trial_alone_for_others(with_scores):
    assert "several seeds" in advice(with_scores((1.0,), (2.0,)), UNKNOWN, 99)[0]
    assert advice(with_scores((1.0,)), UNKNOWN, 99)[0].startswith("Run more trials")


def test_a_clear_best_trial_leaves_nothing_to_try(with_scores):
    clear = with_scores((1.0, 1.001), (2.0, 2.001), (3.0, 3.001))
    assert advice(clear, UNKNOWN, 99) == [
        "Nothing stands out: the space holds a clear best trial."
    ]


def test_the_experiment_itself_is_named_and_what_the_space_lacks_of_it(results):
    own = {"model.encoder": "max", "training.learning_rate": 0.0}
    best = dataclasses.replace(results.best_first()[0], values=own)
    search = dataclasses.replace(results, trials=(best, *results.trials[:3]), own=own)
    assert verdict(search)[0].startswith("Trial 0008 (the experiment itself) is the ")
    text = "\n".join(advice(search, UNKNOWN, 20))
    assert "model.encoder: the best value, max, is that of the experiment" in text
    assert "training.learning_rate: the best value, 0.0, is that of the ex" in text


def test_importance_is_of_the_space_though_the_experiment_is_beside_it(results):
    values = {"model.encoder": "mean", "training.learning_rate": 0.002}
    own = dataclasses.replace(results.trials[0], trial_id="own", values=values)
    search = dataclasses.replace(results, trials=(own, *results.trials), own=values)
    assert search.of_space() == list(results.trials)
    assert dataclasses.replace(search, algorithm="random").of_space()[0] == own
