import dataclasses

from pipeline.reports.search.course import best_so_far, objective_by_cost, slices
from tuning.trial_result import TrialResult


def test_the_course_is_by_trial(results, words_of):
    words = words_of(best_so_far(results))
    assert {"trials, in their order", "val_mae, stars (lower is better)"} <= set(words)


def test_a_trial_that_failed_first_has_no_best_before_it(with_scores, words_of):
    search = with_scores((2.0,), (1.0,))
    first = TrialResult("!", "failed", {}, reason="nan")
    search = dataclasses.replace(search, trials=(first, *search.trials))
    assert "trials, in their order" in words_of(best_so_far(search))


def test_cost_is_time_and_weights(results, with_scores, words_of):
    words = words_of(objective_by_cost(results))
    assert {"seconds of the trial, all seeds", "weights that were trained"} <= set(
        words
    )
    assert objective_by_cost(with_scores((1.0,))) is None


def test_every_key_has_a_panel(results, words_of):
    words = words_of(slices(results))
    assert {"model.encoder", "model.modulation", "training.learning_rate"} <= set(words)
    assert "model.num_modules (12 of 18 trials)" in words
    assert {"gru", "mean", "film", "soft", "2", "4", "0.001"} <= set(words)
    assert "val_mae, stars (lower is better)" in words


def test_there_is_nothing_to_draw_where_no_key_varies(with_scores):
    assert slices(with_scores((1.0,), (2.0,))) is None


def test_the_same_search_makes_the_same_bytes(results):
    assert slices(results) == slices(results)
