import numpy as np

from pipeline.reports.run.bands import Bands, banded_groups


def test_bands_without_a_member_make_no_group():
    found = banded_groups("n", "item", [0, 7, 0], Bands((0, 1, 5)))
    assert [(group.label, group.members.tolist()) for group in found] == [
        ("0", [True, False, True]),
        ("5+", [False, True, False]),
    ]


def test_pairs_belong_to_a_group_by_their_item(rated):
    rows = rated(0.1, 8)
    (group,) = banded_groups("n", "item", np.full(21, 3), Bands((0,)))
    assert group.holds(rows).all()
