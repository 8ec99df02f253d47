import numpy as np
import pytest

from models.factors.labelled_pairs import LabelledPairs


def pairs_of(user=(1, 2), item=(1, 0), label=(3.0, 4.0)):
    return LabelledPairs(
        np.array(user), np.array(item), np.array(label), num_users=2, num_items=1
    )


def test_pairs_of_the_unknown_item_can_be_left_out():
    known = pairs_of().with_known_items()
    np.testing.assert_array_equal(known.user, [1])
    np.testing.assert_array_equal(known.label, [3.0])
    assert (known.num_users, known.num_items) == (2, 1)


def test_refuses_vectors_of_different_lengths_and_no_pairs():
    with pytest.raises(ValueError, match=r"one length.*got shapes \[\(1,\), \(2,\)"):
        pairs_of(user=(1,))
    with pytest.raises(ValueError, match=r"at least 1, got shapes \[\(0,\)"):
        LabelledPairs(*[np.array([], np.int64)] * 3, num_users=1, num_items=1)


def test_refuses_rows_outside_the_tables():
    with pytest.raises(ValueError, match=r"user rows .*\[0, 2\], got 1 to 3"):
        pairs_of(user=(1, 3))
    with pytest.raises(ValueError, match=r"item rows .*\[0, 1\], got -1 to 1"):
        pairs_of(item=(1, -1))


def test_refuses_to_go_on_without_any_known_item():
    with pytest.raises(ValueError, match="must have a known item, got 2 of item 0"):
        pairs_of(item=(0, 0)).with_known_items()
