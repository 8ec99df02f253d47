import pytest
from matplotlib.figure import Figure

from pipeline.reports.search.objective_axis import (
    ObjectiveAxis,
    draw_points,
    objective_axis,
)

SCALE = ObjectiveAxis("label", 0.0, 1.0, 2)


def test_the_axis_reaches_from_the_best_to_the_worst(with_scores):
    axis = objective_axis(with_scores((1.0,), (2.0,), (1.5,)))
    # 0.06 of their distance is left on either side.
    assert (axis.low, axis.high) == pytest.approx((0.94, 2.06))
    assert (axis.num_beyond, axis.is_beyond(2.0)) == (0, False)


@pytest.mark.parametrize("minimise", [True, False])
def test_what_diverged_lies_beyond_the_axis(with_scores, minimise):
    sign = 1.0 if minimise else -1.0
    scores = [(sign * value,) for value in (0.0, 2.0, 3.0, 4.0, 99.0)]
    axis = objective_axis(with_scores(*scores, minimise=minimise))
    assert axis.num_beyond == 1
    assert axis.is_beyond(sign * 99.0)
    assert abs(axis.clip(sign * 99.0)) == pytest.approx(8.0 + 0.06 * 8.0)


def test_a_trial_alone_has_an_axis(with_scores):
    axis = objective_axis(with_scores((0.0,)))
    assert axis.low < 0.0 < axis.high


def test_the_label_says_unit_and_better_side(results, with_scores):
    assert objective_axis(results).label == "val_mae, stars (lower is better)"
    higher = objective_axis(with_scores((1.0,), minimise=False))
    assert higher.label == "val_mae, stars (higher is better)"


def drawn(*, best):
    axes = Figure().add_subplot()
    draw_points(axes, [1.0, 2.0, 3.0, 4.0], [0.5, 0.2, 9.0, -9.0], SCALE, best=best)
    return {
        str(line.get_marker()): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.lines
    }


def test_points_beyond_the_axis_are_triangles_at_its_end():
    assert drawn(best=1) == {
        "o": ([1.0], [0.5]),
        "^": ([3.0], [1.0]),
        "v": ([4.0], [0.0]),
        "D": ([2.0], [0.2]),
    }


def test_a_best_trial_that_is_not_there_is_not_drawn():
    assert drawn(best=None)["o"] == ([1.0, 2.0], [0.5, 0.2])
    assert "D" not in drawn(best=None)
