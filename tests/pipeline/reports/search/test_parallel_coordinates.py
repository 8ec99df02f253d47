import re

import pytest

from pipeline.reports.search.parallel_coordinates import (
    NOT_ACTIVE,
    parallel_coordinates,
)


def test_every_key_has_an_axis_with_its_values(results, words_of):
    words = words_of(parallel_coordinates(results))
    assert {"encoder", "modulation", "num_modules", "learning_rate"} <= set(words)
    assert {"gru", "mean", "film", "soft", "2", "4"} <= set(words)
    assert {"0.0001", "0.001", "0.01"} <= set(words)
    assert "val_mae, stars" in words
    assert "(lower is better)" in words


def test_one_sees_where_a_key_is_not_active(results, words_of):
    svg = parallel_coordinates(results)
    assert words_of(svg).count(NOT_ACTIVE) == 1
    # Of the 18 lines those of the 6 trials without modules have a dotted part.
    assert svg.count("stroke-dasharray") == 6


@pytest.mark.parametrize(("minimise", "top"), [(True, "0.94"), (False, "2.06")])
def test_the_best_end_of_the_objective_is_on_top(with_scores, minimise, top):
    values = [{"model.encoder": name} for name in ("gru", "mean")]
    search = with_scores((1.0,), (2.0,), values=values, minimise=minimise)
    texts = re.findall(
        r'x="[\d.]+" y="([\d.]+)".*>([\d.]+)</text>', parallel_coordinates(search)
    )
    heights = {word: float(y) for y, word in texts}
    assert set(heights) >= {"0.94", "2.06"}
    assert min(heights, key=lambda word: heights[word]) == top  # Rows count down.


def test_trials_that_are_nearly_alike_have_different_labels(with_scores, words_of):
    values = [{"model.encoder": name} for name in ("gru", "mean")]
    search = with_scores((0.66221,), (0.66223,), values=values)
    words = words_of(parallel_coordinates(search))
    assert len([word for word in words if word.startswith("0.6622")]) == 5


def test_the_same_search_makes_the_same_bytes(results):
    assert parallel_coordinates(results) == parallel_coordinates(results)


def test_there_is_nothing_to_draw_of_one_trial_or_one_value(with_scores):
    assert parallel_coordinates(with_scores((1.0, 1.0))) is None
    assert parallel_coordinates(with_scores((1.0,), (2.0,))) is None


def test_labels_are_written_as_they_are(with_scores, words_of):
    values = [{"model.encoder": name} for name in ("gru", "<b>$x$</b>")]
    svg = parallel_coordinates(with_scores((1.0,), (2.0,), values=values))
    assert "<b>$x$</b>" in words_of(svg)
