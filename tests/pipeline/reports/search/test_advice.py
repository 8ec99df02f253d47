import dataclasses

import pytest

from pipeline.reports.search.advice import advice
from tuning.importance import Importance
from tuning.main_effect import MainEffect
from tuning.space import Space

UNKNOWN = Importance({}, "too few trials")


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
