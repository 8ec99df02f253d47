import dataclasses

import pytest

from pipeline.reports.search.verdict import description, how_judged, reasons, verdict


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
