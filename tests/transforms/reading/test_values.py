import datetime

import pytest

from transforms.reading.row_error import RowError
from transforms.reading.values import as_id, as_json, as_number, as_text, as_time


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" 7 ", "7"),
        (7, "7"),
        (31.0, "31"),
        (0.5, "0.5"),
        (True, "True"),
        ("Amélie".encode(), "Amélie"),
        ("", None),
        ("  ", None),
        (None, None),
        (float("nan"), None),
    ],
)
def test_text_of_a_field(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("two\nlines", r"malformed: line break inside the value 'two\\nlines'"),
        ("two\u2028lines", "malformed: line break"),
        (["a"], r"malformed: expected one value, got \['a'\]"),
        ({"a": 1}, "malformed: expected one value"),
        (b"\xff", "encoding: not utf-8"),
        ("\ud800", "encoding: not encodable"),
    ],
)
def test_fields_that_cannot_be_a_line_of_a_vocabulary_are_refused(value, message):
    with pytest.raises(RowError, match=message):
        as_text(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [("4.5", 4.5), (3, 3.0), (b"2", 2.0), (" ", None), (None, None)],
)
def test_number_of_a_field(value, number):
    assert as_number(value) == number


@pytest.mark.parametrize("value", ["five", "nan", "inf", "1_0", [1], float("nan")])
def test_fields_that_are_no_finite_number_are_refused(value):
    with pytest.raises(RowError, match="not_a_number: expected a"):
        as_number(value)


def test_refused_values_have_a_json_form():
    row = {"a": 1, "b": float("nan"), "c": (b"\xff", 2.5), "d": None}
    assert as_json(row) == {"a": 1, "b": "nan", "c": ["\\xff", 2.5], "d": None}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("978300760", 978300760.0),
        ("1970-01-02", 86400.0),
        ("1970-01-01T00:01:00", 60.0),
        (datetime.date(1970, 1, 2), 86400.0),
        (datetime.datetime(1970, 1, 1, 0, 1), 60.0),
    ],
)
def test_a_time_is_a_number_or_a_date(value, seconds):
    assert as_time(value, "when") == seconds


@pytest.mark.parametrize(
    ("value", "reason"), [("soon", "not_a_time"), ("", "missing_field")]
)
def test_anything_else_is_no_time(value, reason):
    with pytest.raises(RowError, match=f"{reason}: when"):
        as_time(value, "when")


def test_an_id_of_which_nothing_can_be_seen_is_none():
    assert as_id("\u200b7", "item", normalize=True) == "7"
    with pytest.raises(RowError, match="item has no sign that can be seen"):
        as_id("\u200b", "item", normalize=True)
