import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.reports.comparison.figure_labels import spread

POSITIONS = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=8)


def test_labels_that_are_far_apart_stay():
    assert spread([30.0, 0.0, 15.0], 10.0, 0.0, 99.0) == [30.0, 0.0, 15.0]


def test_labels_of_one_height_move_apart_by_hand():
    # Around 50 with 10 between: 40, 50, 60, in the order given.
    assert spread([50.0, 50.0, 50.0], 10.0, 0.0, 99.0) == [40.0, 50.0, 60.0]


def test_labels_stay_within_bounds():
    assert spread([0.0, 0.0], 10.0, 0.0, 99.0) == [0.0, 10.0]
    assert spread([99.0, 99.0], 10.0, 0.0, 99.0) == [89.0, 99.0]
    assert spread([], 10.0, 0.0, 99.0) == []


@given(POSITIONS)
@settings(deadline=None, max_examples=50)
def test_spread_labels_keep_their_order_and_distance(positions):
    found = np.array(spread(positions, 5.0, 0.0, 100.0))
    in_order = found[np.argsort(positions, kind="stable")]
    assert (np.diff(in_order) >= 5.0 - 1e-9).all()
    assert in_order[0] >= -1e-9
    assert in_order[-1] <= 100.0 + 1e-9
