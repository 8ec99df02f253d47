import pytest

from transforms.entities.feature_values import ParsedFeature, flagged, parse_feature
from transforms.specs import FeatureSpec

YEAR = FeatureSpec("year", kind="numeric")


@pytest.mark.parametrize(
    ("value", "number", "num_unreadable"),
    [
        ("-1e30", -1e30, 0),
        ("1e31", None, 1),
        ("about 1984", None, 1),
        (float("nan"), None, 1),
        ("", None, 0),
        (None, None, 0),
    ],
)
def test_a_number_that_cannot_be_used_is_unknown_and_counted(
    value, number, num_unreadable
):
    assert parse_feature(value, YEAR) == ParsedFeature(number, num_unreadable)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a|b| a ||c", ("a", "b", "c")),
        ("a (x)|b(y)", ("a", "b")),
        (["a", 7, None], ("a", "7")),
        ("a|b|c|d", ("a", "b", "c")),
        ("", ()),
        (None, ()),
        (7, ("7",)),
    ],
)
def test_a_multi_feature_keeps_the_first_different_values(value, texts):
    spec = FeatureSpec("f", kind="multi", max_values=3, drop_pattern=r"\(.*?\)")
    assert parse_feature(value, spec).value == texts


def test_a_categorical_feature_keeps_separators():
    assert parse_feature("a|b", FeatureSpec("f")).value == ("a|b",)


def test_a_pattern_is_dropped_from_a_categorical_value():
    spec = FeatureSpec("z", drop_pattern="-.*")
    assert parse_feature("98107-2117", spec).value == ("98107",)


def test_values_that_cannot_be_read_and_those_beyond_the_most_are_counted():
    spec = FeatureSpec("f", kind="multi", max_values=2)
    parsed = parse_feature(["a", "b\nb", "c", {}, "d", "a"], spec)
    assert parsed == ParsedFeature(("a", "c"), num_unreadable=2, num_cut=1)


def test_a_flag_may_be_a_word():
    spec = FeatureSpec("f", kind="multi", flags=("a", "b", "c", "d", "e"))
    assert flagged(["yes", "No", " T ", "f", 1], spec) == ["a", "c", "e"]
    names = flagged(["maybe", "y", None, "n", 0], spec)
    assert parse_feature(names, spec) == ParsedFeature(("b",), num_unreadable=1)


@pytest.mark.parametrize(
    ("value", "number", "num_unreadable"),
    [
        ("$1,299.50", 1299.5, 0),
        (b"$12", 12.0, 0),
        (12.5, 12.5, 0),
        ("$", None, 0),
        (None, None, 0),
        ("€12", None, 1),
    ],
)
def test_a_pattern_is_dropped_from_a_number(value, number, num_unreadable):
    spec = FeatureSpec("price", kind="numeric", drop_pattern="[$,]")
    assert parse_feature(value, spec) == ParsedFeature(number, num_unreadable)
