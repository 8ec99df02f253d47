import dataclasses

import numpy as np
import pytest

from pipeline.reports.run.calibration import calibration


def found(rated, scores):
    rows = rated(0.0, 8)
    rows = dataclasses.replace(rows, score=scores(rows.label))
    return calibration(rows, seed=0, num_resamples=50)


def test_perfect_predictions_are_on_the_line(rated):
    result = found(rated, lambda label: label)
    assert result.error == pytest.approx(0.0)
    assert result.slope.mean == pytest.approx(1.0)
    assert [each.score for each in result.bins] == [
        each.label.mean for each in result.bins
    ]
    assert sum(each.num_pairs for each in result.bins) == 200
    assert result.by_label == {1.0: 0.0, 2.0: 0.0, 3.0: 0.0, 4.0: 0.0, 5.0: 0.0}


def test_predictions_that_are_too_far_apart_have_a_slope_below_1(rated):
    # Labels are 3 + (score - 3) / 2, and on average 3 as predictions are.
    result = found(rated, lambda label: 2.0 * label - 3.0)
    assert result.slope.mean == pytest.approx(0.5)
    assert result.bias.mean == pytest.approx(0.0)
    # Off by -2, -1, 0, 1 and 2 in two of the ten bins each.
    assert result.error == pytest.approx(1.2)
    assert result.by_label[5.0] == pytest.approx(2.0)


def test_a_constant_offset_is_the_bias(rated):
    result = found(rated, lambda label: label + 0.25)
    assert result.bias.mean == pytest.approx(0.25)
    assert result.error == pytest.approx(0.25)


def test_predictions_that_are_all_alike_have_no_slope(rated):
    assert found(rated, lambda label: np.full(200, 3.0)).slope is None
