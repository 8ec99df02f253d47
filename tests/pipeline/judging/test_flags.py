import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.judging.flags import score_flags

LABELS = [[1.0, 3.0, 5.0], [2.0, 4.0, 0.0]]
MASK = [[True, True, True], [True, True, False]]


def test_usual_scores_have_no_flag():
    scores = [[2.0, 1.0, 4.0], [3.0, 2.0, 9.0]]
    assert score_flags(LABELS, scores, MASK) == ()


def test_one_score_for_all_is_constant():
    scores = [[3.0, 3.0, 3.0], [3.0, 3.0, 9.0]]
    assert score_flags(LABELS, scores, MASK) == ("constant",)


def test_one_score_for_each_task_is_constant_within_tasks():
    scores = [[3.0, 3.0, 3.0], [2.0, 2.0, 9.0]]
    assert score_flags(LABELS, scores, MASK) == ("constant within tasks",)


def test_what_is_equal_depends_on_the_range_of_the_labels():
    scores = np.array([[0.0, 1e-5, 0.0], [0.0, 0.0, 0.0]])
    # Labels range over 4: scores within 4e-6 count as equal; over 40, within 4e-5.
    assert score_flags(LABELS, scores, MASK) == ()
    assert score_flags(10.0 * np.array(LABELS), scores, MASK) == ("constant",)


def test_scores_that_are_the_labels_are_perfect():
    assert score_flags(LABELS, LABELS, MASK) == ("perfect",)


def test_a_ranking_without_a_fault_is_perfect():
    scores = [[-1.0, 7.0, 8.0], [-3.0, -2.0, 9.0]]
    assert score_flags(LABELS, scores, MASK) == ("perfect",)


def test_one_fault_or_tie_is_enough_not_to_be_perfect():
    assert score_flags(LABELS, [[0, 2, 1], [1, 2, 0]], MASK) == ()
    assert score_flags(LABELS, [[0, 1, 1], [1, 2, 0]], MASK) == ()


def test_clicks_in_front_are_perfect_in_whatever_order():
    labels = [[1.0, 0.0, 1.0, 0.0]]
    assert score_flags(labels, [[5, 1, 4, 2]], np.ones((1, 4))) == ("perfect",)


def test_a_task_whose_labels_are_equal_proves_no_ranking():
    assert score_flags([[1.0, 1.0]], [[3.0, 2.0]], [[True, True]]) == ()


def test_no_pairs_have_no_flags():
    assert score_flags([[1.0]], [[1.0]], [[False]]) == ()


@given(st.floats(allow_nan=True), st.sampled_from([LABELS, [[3, 3, 3], [1, 1, 1]]]))
@settings(deadline=None, max_examples=30)
def test_padding_does_not_matter(padding, scores):
    padded = np.array(scores, np.float64)
    padded[1, 2] = padding
    labels = np.array(LABELS)
    labels[1, 2] = padding
    assert score_flags(labels, padded, MASK) == score_flags(LABELS, scores, MASK)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"one shape \[T, Q\], got \[\(2, 3\), \(1,"):
        score_flags(LABELS, [[1.0]], MASK)
