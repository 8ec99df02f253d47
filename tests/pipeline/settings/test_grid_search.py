import math

import pytest

from pipeline.settings.grid_search import beyond, choice_text, search_grid


def peak_at(best, axis="l2"):
    """Worth that falls with the distance of an axis from its best, in ratio."""
    return lambda candidate: -abs(math.log(candidate[axis] / best))


def test_a_best_value_inside_needs_no_more():
    search = search_grid({"l2": (1.0, 2.0, 4.0)}, peak_at(2.0))
    assert (search.best, search.num_tried) == ({"l2": 2.0}, 3)
    assert choice_text(search) == "l2 2"


@pytest.mark.parametrize(("best", "chosen", "tried"), [(8.0, 8.0, 5), (0.5, 0.5, 5)])
def test_the_grid_goes_on_until_the_best_is_inside(best, chosen, tried):
    # Beyond 4 come 8 and 16, below 1 come 1/2 and 1/4.
    search = search_grid({"l2": (1.0, 2.0, 4.0)}, peak_at(best))
    assert search.best == {"l2": chosen}
    assert search.num_tried == tried
    assert not search.at_edge


def test_after_four_more_values_the_edge_is_said():
    search = search_grid({"l2": (1.0, 2.0)}, peak_at(1e6))
    assert search.best == {"l2": 32.0}
    assert choice_text(search).endswith(
        "l2 32 (still at the edge of what was tried: l2)"
    )


def test_other_axes_keep_their_best_values():
    def judge(candidate):
        return peak_at(8)(candidate) + 5 * (candidate["kind"] == "b")

    search = search_grid({"kind": ("a", "b"), "l2": (2, 4)}, judge)
    assert search.best == {"kind": "b", "l2": 8}
    assert search.num_tried == 4 + 2  # 8 and 16.


def test_widths_are_tried_up_to_four_times_the_largest():
    search = search_grid({"rank": (8, 16, 32)}, peak_at(1e6, "rank"))
    assert (search.best, search.num_tried) == ({"rank": 128}, 3 + 2)  # 64 and 128.
    assert choice_text(search) == "rank 128"  # None is larger, so there is no edge.


def test_without_any_worth_there_is_no_best():
    search = search_grid({"l2": (1.0, 2.0)}, lambda candidate: float("nan"))
    assert search.best is None


@pytest.mark.parametrize(
    ("values", "best", "value"),
    [
        ((0.0, 3.0, 10.0), 0.0, None),  # Less than 0 is nothing.
        ((0.0, 3.0), 3.0, 6.0),
        ((8, 16, 32), 32, 64),
        ((1, 2), 1, None),  # Half a factor.
        ((5.0,), 5.0, None),
        (("a", "b"), "a", None),
        ((True, False), True, None),
    ],
)
def test_the_next_value_has_the_ratio_of_the_last_two(values, best, value):
    assert beyond(values, best) == value


def test_values_that_are_all_alike_are_said_to_be():
    search = search_grid({"l2": (0.25, 2.0)}, lambda candidate: 1.0)
    assert search.best == {"l2": 0.25}
    assert choice_text(search) == "l2 0.25 (all 3 that were tried are equally good)"


def test_no_value_is_tried_beyond_those_of_an_axis_with_bounds():
    search = search_grid({"width": [1, 2]}, lambda one: one["width"], bounded=["width"])
    assert search.best == {"width": 2}
    assert search.at_edge == ()
    assert search.num_tried == 2
