from matplotlib.figure import Figure

from pipeline.reports.search.objective_axis import ObjectiveAxis
from pipeline.reports.search.trial_points import draw_points

SCALE = ObjectiveAxis("label", 0.0, 1.0, 2)


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
