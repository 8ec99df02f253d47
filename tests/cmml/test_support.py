import re

import numpy as np
import pytest

from cmml.support import features, ids, support_pairs

RATED = ("item_id", "label")
CLICKED = ("user_id", "item_id", "label")


class Column(list):
    to_list = list.copy


class Frame(dict):
    columns = property(list)


def rated(support):
    return support_pairs(support, RATED, needs_label=True)


def clicked(support):
    return support_pairs(support, CLICKED, needs_label=False)


def test_tuples_dicts_and_data_frames_are_one_support_set():
    pairs = [{"item_id": "f1", "label": 5}, {"item_id": "f2", "label": 1.5}]
    frame = Frame(label=Column([5, 1.5]), at=Column("ab"), item_id=Column(["f1", "f2"]))
    for support in (pairs, [("f1", 5), ["f2", 1.5]], iter(pairs), frame):
        assert rated(support) == pairs
    assert rated([]) == rated(Frame(item_id=Column(), label=Column())) == []


def test_the_label_of_a_click_may_be_left_out():
    assert clicked([("s1", "g1"), ("s2", "g2", 0)]) == [
        {"user_id": "s1", "item_id": "g1"},
        {"user_id": "s2", "item_id": "g2", "label": 0},
    ]
    frame = Frame(user_id=Column(["s1"]), item_id=Column(["g1"]))
    assert clicked(frame) == [{"user_id": "s1", "item_id": "g1"}]


def test_pandas_and_polars_are_read():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"item_id": [1, 2], "label": [5.0, 1.5]})
    assert rated(frame) == [{"item_id": 1, "label": 5.0}, {"item_id": 2, "label": 1.5}]
    assert ids("items", frame["item_id"]) == [1, 2]


def test_numbers_of_numpy_become_plain():
    support = [(np.int64(31), np.float32(4.5)), {"item_id": np.str_("f"), "label": 1}]
    (first, second) = rated([*support])
    assert [type(value) for value in first.values()] == [int, float]
    assert type(second["item_id"]) is str
    assert rated(np.array([[31.0, 4.5]])) == [{"item_id": 31.0, "label": 4.5}]
    assert [type(value) for value in ids("items", np.arange(2))] == [int, int]
    column = Column([np.int64(31), "f"])  # As pandas has a column of both.
    frame = Frame(item_id=column, label=Column([np.float32(4.5)] * 2))
    assert [type(pair["item_id"]) for pair in rated(frame)] == [int, str]
    assert type(rated(frame)[0]["label"]) is float


@pytest.mark.parametrize(
    ("support", "message"),
    [
        ("f1", "support must be a list of pairs or a data frame, got 'f1'"),
        ({"f1": 5}, r"must be a list of pairs or a data frame, got \{'f1': 5\}"),
        (None, "support must be .*, got None"),
        (["f1"], r"pair must be a dict or a tuple \(item_id, label\), got 'f1'"),
        ([("f1",)], r"must be a dict or a tuple .*, got \('f1',\)"),
        ([("u", "f1", 5)], r"must be a dict or a tuple .*, got \('u', 'f1', 5\)"),
        ([7], "a support pair must be .*, got 7"),
        (
            Frame(item=Column(), label=Column()),
            r"must have the columns \['item_id', 'label'\], got \['item', 'label'\]",
        ),
    ],
)
def test_what_is_no_support_set_is_named(support, message):
    with pytest.raises(ValueError, match=message):
        rated(support)


def test_what_a_pair_need_not_have_is_told():
    with pytest.raises(ValueError, match=r"tuple \(item_id\[, label\]\), got 'f1'"):
        support_pairs(["f1"], ("item_id", "label"), needs_label=False)


@pytest.mark.parametrize("values", ["f1", b"f1", Frame(item_id=Column()), 7, None])
def test_what_are_no_ids_is_named(values):
    named = f"exclude must be a list .*, got {re.escape(repr(values))}"
    with pytest.raises(ValueError, match=named):
        ids("exclude", values)


def test_features_are_a_mapping_or_a_row_of_a_data_frame():
    class Row:
        def to_dict(self):
            return {"age": np.float64(31.0), "gender": "F"}

    known = {"age": 31.0, "gender": "F"}
    assert features("user", known) == features("user", Row()) == known
    assert type(features("user", Row())["age"]) is float
    several = {"likes": np.array(["audio", "books"], object)}  # As Parquet is read.
    assert features("user", several) == {"likes": ["audio", "books"]}
    with pytest.raises(ValueError, match="user must be a dict of features, got 'F'"):
        features("user", "F")


def test_what_pandas_has_for_a_missing_value_is_none():
    pandas = pytest.importorskip("pandas")
    row = pandas.DataFrame(
        {
            "gender": pandas.array([pandas.NA], dtype="string"),
            "since": [pandas.NaT],
            "likes": [["audio", pandas.NA]],
        }
    ).iloc[0]
    missing = {"gender": None, "since": None, "likes": ["audio", None]}
    assert features("user", row) == missing
    label = pandas.array([pandas.NA], dtype="Int64")
    frame = pandas.DataFrame({"item_id": ["f1"], "label": label})
    assert rated(frame) == [{"item_id": "f1", "label": None}]
