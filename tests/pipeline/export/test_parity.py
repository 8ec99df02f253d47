import numpy as np
import pytest

from pipeline.export.parity import MismatchError, largest_difference


def scores(*values):
    return np.array([values], np.float32)


def ids(*values):
    return np.array([[value.encode() for value in values]], object)


def test_differences_are_shares_of_the_largest_score():
    # |20.0002 - 20| / 20 = 1e-5; the other one is exact.
    found = largest_difference(
        {"score": np.array([[20.0, 1.0]])}, {"score": np.array([[20.0002, 1.0]])}, 5.0
    )
    assert found == pytest.approx(1e-5)


def test_differences_are_shares_of_the_largest_label_if_that_is_more():
    found = largest_difference(
        {"score": np.array([[2.0]])}, {"score": np.array([[2.1]])}, 5.0
    )
    assert found == pytest.approx(0.1 / 5.0)


def test_small_scores_differ_by_what_they_differ():
    found = largest_difference(
        {"score": np.array([[0.1]])}, {"score": np.array([[0.3]])}, 0.0
    )
    assert found == pytest.approx(0.2)


def test_the_largest_difference_of_all_outputs_counts():
    expected = {"a": np.array([[1.0, 1.0]]), "b": np.array([[1.0]])}
    found = {"a": np.array([[1.0, 1.2]]), "b": np.array([[1.1]]), "c": scores(9.0)}
    assert largest_difference(expected, found, 1.0) == pytest.approx(0.2)


def test_not_a_number_is_a_difference():
    expected, found = {"score": scores(1.0)}, {"score": scores(np.nan)}
    assert np.isnan(largest_difference(expected, found, 1.0))


def test_outputs_without_elements_agree():
    assert largest_difference({"score": scores()}, {"score": scores()}, 1.0) == 0.0


@pytest.mark.parametrize(
    ("expected", "found", "message"),
    [
        ({"score": scores(1.0)}, {"other": scores(1.0)}, r"'score' is missing, got"),
        ({"score": scores(1.0)}, {"score": scores(1.0, 2.0)}, r"shape \[1, 1\], got"),
        (
            {"model_version": np.array([1_700_000_000])},
            {"model_version": np.array([1_700_000_001])},
            r"must be (np.int64\()?1700000000\)? at \[0\]",
        ),
        (
            {"fallback_reason": np.array([b""], object)},
            {"fallback_reason": np.array([b"popularity"], object)},
            r"must be b'' at \[0\], got b'popularity'",
        ),
        ({"item_id": ids("a", "b")}, {"item_id": ids("b", "a")}, r"must be b'a' at"),
    ],
)
def test_all_but_rounding_is_a_mismatch(expected, found, message):
    with pytest.raises(MismatchError, match=message):
        largest_difference(expected, found, 1.0)


def test_items_whose_scores_are_alike_may_change_places():
    expected = {"item_id": ids("a", "b", "c"), "score": scores(3.0, 3.0, 1.0)}
    found = expected | {"item_id": ids("b", "a", "c")}
    assert largest_difference(expected, found, 5.0) == 0.0


def test_items_whose_scores_differ_may_not_change_places():
    expected = {"item_id": ids("a", "b", "c"), "score": scores(3.0, 2.0, 1.0)}
    found = expected | {"item_id": ids("b", "a", "c")}
    with pytest.raises(MismatchError, match=r"'item_id' must be b'a' at \[0, 0\]"):
        largest_difference(expected, found, 5.0)


def test_the_last_item_may_be_tied_with_one_that_is_not_there():
    expected = {"item_id": ids("a", "b"), "score": scores(3.0, 2.0)}
    found = expected | {"item_id": ids("a", "x")}
    assert largest_difference(expected, found, 5.0) == 0.0
