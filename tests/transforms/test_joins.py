import pytest

from transforms.joins import SPLIT_FILE, id_forms, join_ids


@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [
        ("31.0", "31", "a fraction of zero"),
        ("7", "007", "zeros in front"),
        ("AbC", "abc", "upper and lower case"),
        ("a b", "ab", "spaces"),
        ("\ufeffab", "ab", "signs that cannot be seen"),
        ("007.0", "7", "several of"),
    ],
)
def test_the_likely_cause_of_a_miss_is_said_with_both_forms(left, right, cause):
    join = join_ids("items", "ratings", "films", {left: 3, "x": 2}, {right, "y"})
    assert (join.num_both, join.num_rows_unmatched, join.num_rows_alike) == (0, 5, 3)
    assert (join.left_examples, join.right_examples) == ((left,), (right,))
    assert join.cause.startswith(cause)


def test_names_of_a_split_file_that_are_of_no_task_are_counted_and_shown():
    rows = {"a": 1, "b": 1, "c": 1}
    join = join_ids("users", SPLIT_FILE, "ratings", rows, {"c", "d", "e"})
    assert join.describe() == (
        "2 of the 3 names in split.path are not among the users of ratings; 2 of 3 ids "
        "of ratings are not in split.path. In split.path only: 'a', 'b'; in ratings "
        "only: 'd', 'e'"
    )
    all_known = join_ids("users", SPLIT_FILE, "ratings", {"c": 1}, {"c", "d"})
    assert all_known.describe() == (
        "users of split.path in ratings: 1 of 1 id, 1 of 1 row; 1 of 2 ids of ratings "
        "is not in split.path"
    )


def test_ids_without_a_counterpart_are_shown_from_both_sides():
    join = join_ids("items", "ratings", "films", {"a": 1, "b": 2, "c": 3}, {"c", "d"})
    assert (join.num_left, join.num_right, join.num_both) == (3, 2, 1)
    assert join.unmatched_fraction == 0.5
    assert (join.left_examples, join.right_examples) == (("a", "b"), ("d",))
    assert join.cause == ""


@pytest.mark.parametrize(
    ("left", "right", "cause"),
    [
        ("caf\u00e9", "cafe\u0301", "accents, which Unicode writes in two ways"),
        ("'1,000'", "1000", "quotes, hyphens or other punctuation"),
        ("1.0E+05", "100000", "how a number is written"),
    ],
)
def test_a_cause_that_no_key_ends_is_said_too(left, right, cause):
    join = join_ids("items", "ratings", "films", {left: 3, "x": 2}, {right, "y"})
    assert (join.num_rows_unmatched, join.num_rows_alike) == (5, 0)
    assert (join.left_examples, join.right_examples) == ((left,), (right,))
    assert join.cause.startswith(cause)
    assert f"in films so: {right!a}. They differ in {cause}" in join.explain()


def test_an_example_of_each_difference_comes_first():
    rows = dict.fromkeys(["01", "02", "03", "04", "5.0", "6"], 1)
    join = join_ids("items", "ratings", "films", rows, {*"123456"})
    assert join.left_examples == ("01", "5.0", "02")
    assert join.cause.startswith("zeros in front")
    assert join.cause.endswith("; a fraction of zero, as '31.0' and '31'")


def test_numbers_that_one_table_writes_in_two_forms_are_found():
    rows = {"7": 5, "7.0": 2, "007": 1, "8": 9, "a": 1}
    (join,) = id_forms("items", "ratings", rows)
    assert (join.num_rows, join.num_rows_unmatched, join.num_rows_alike) == (18, 3, 3)
    assert (join.left_examples, join.right_examples) == (("007", "7.0"), ("7", "7"))
    assert not join.may_differ
    assert [*id_forms("items", "ratings", {"7": 5, "70": 1, "a": 1})] == []


def test_texts_that_one_table_writes_in_two_forms_may_be_two_ids():
    rows = {"A1": 5, "a1": 2, "B7": 1, "B 7": 3, "8": 9, "08": 1, "8 0": 1, "80": 2}
    numbers, texts = id_forms("items", "ratings", rows)
    assert (numbers.left_examples, numbers.may_differ) == (("08",), False)
    assert texts.left_examples == ("8 0", "a1", "B7")
    assert texts.right_examples == ("80", "A1", "B 7")
    assert (texts.num_left, texts.num_both, texts.num_rows_unmatched) == (8, 5, 4)
    assert texts.may_differ
    assert texts.describe() == (
        "items of ratings: 3 of 8 ids, in 4 of 24 rows, are there in another form. "
        "Beside '80', 'A1', 'B 7' there are '8 0', 'a1', 'B7'. They differ in spaces; "
        "upper and lower case: with data.normalize_ids they are one, "
        "called '80' in every answer too"
    )
