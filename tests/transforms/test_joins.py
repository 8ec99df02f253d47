import pytest

from transforms.joins import join_ids, normal_id, number_forms


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("007", "7"),
        ("31.0", "31"),
        ("000.", "0"),
        (" A b ", "ab"),
        ("1.5", "1.5"),
        ("v1.0", "v1.0"),
        ("0x7", "0x7"),
    ],
)
def test_ids_lose_what_means_nothing(text, normal):
    assert normal_id(text) == normal


@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [
        ("31.0", "31", "a fraction of zero"),
        ("7", "007", "zeros in front"),
        ("AbC", "abc", "upper and lower case"),
        ("a b", "ab", "spaces"),
        ("007.0", "7", "several of"),
    ],
)
def test_the_likely_cause_of_a_miss_is_said_with_both_forms(left, right, cause):
    join = join_ids("items", "ratings", "films", {left: 3, "x": 2}, {right, "y"})
    assert (join.num_both, join.num_rows_unmatched, join.num_rows_alike) == (0, 5, 3)
    assert (join.left_examples, join.right_examples) == ((left,), (right,))
    assert join.cause.startswith(cause)


def test_ids_without_a_counterpart_are_shown_from_both_sides():
    join = join_ids("items", "ratings", "films", {"a": 1, "b": 2, "c": 3}, {"c", "d"})
    assert (join.num_left, join.num_right, join.num_both) == (3, 2, 1)
    assert join.unmatched_fraction == 0.5
    assert (join.left_examples, join.right_examples) == (("a", "b"), ("d",))
    assert join.cause == ""


def test_numbers_that_one_table_writes_in_two_forms_are_found():
    rows = {"7": 5, "7.0": 2, "007": 1, "8": 9, "a": 1, "A": 1}
    (join,) = number_forms("items", "ratings", rows)
    assert (join.num_rows, join.num_rows_unmatched, join.num_rows_alike) == (19, 3, 3)
    assert (join.left_examples, join.right_examples) == (("007", "7.0"), ("7", "7"))
    assert number_forms("items", "ratings", {"7": 5, "70": 1, "a": 1, "A": 1}) == []
