import dataclasses
import gzip

import pandas as pd
import pytest

from pipeline.onboarding.new_interactions import read_new_interactions
from pipeline.onboarding.own_table import OwnTable
from transforms.schema import DataError
from transforms.specs import InteractionSpec
from transforms.table_spec import TableSpec

HEADER = "user_id,item_id,label"


@pytest.fixture
def read(tmp_path):
    def read(*lines, **options):
        path = tmp_path / "new.csv"
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return read_new_interactions(path, label_range=(1.0, 5.0), **options)

    return read


def test_columns_come_in_any_order(read):
    rows = read("label,timestamp,item_id,user_id", "4.5,978300760,31,ü1")
    assert rows.interactions == [("ü1", "31", 4.5)]
    assert rows.features == {"ü1": {}}


RATINGS = OwnTable(
    InteractionSpec(
        TableSpec("r.csv", delimiter=";", missing=("99",)),
        "uid",
        "film",
        "points",
        label_min=1.0,
        label_max=5.0,
        label_scale=0.5,
    ),
    {"sex": "gender", "gender": "gender", "shoe": "shoe size"},
)


def test_a_file_like_the_table_of_the_configuration_is_read_as_that_is(read):
    lines = ("points;shop;uid;film;sex", "9;A;ü1;31;F", "99;A;ü1;32;F", "12;B;ü2;31;M")
    rows = read(*lines, own=RATINGS, feature_names=["gender"])
    assert rows.interactions == [("ü1", "31", 4.5)]
    assert rows.features == {"ü1": {"gender": "F"}}
    (refused,) = rows.refused  # A label of 99 says nothing, and is left out.
    assert (refused.line, refused.reason) == (4, "label_out_of_range")
    assert refused.row == {"uid": "ü2", "film": "31", "points": "12", "sex": "M"}
    assert rows.left_out == {"no_label": 1}
    assert read(HEADER, "u1,31,4", own=RATINGS).interactions == [("u1", "31", 4.0)]


def test_a_table_without_a_header_line_is_known_by_its_configuration(read):
    table = TableSpec("u.data", delimiter="\t", header=("u", "i", "r", "time"))
    own = OwnTable(InteractionSpec(table, "u", "i", "r"))
    assert read("1\t31\t4\t99", own=own).interactions == [("1", "31", 4.0)]
    assert read(HEADER, "1,31,4", own=own).interactions == [("1", "31", 4.0)]


def test_columns_that_are_missing_are_those_of_either_kind_of_file(read):
    message = r"column 'user_id' is missing, got .*; nor are .*'uid', 'film', 'poi"
    with pytest.raises(DataError, match=message):
        read("uid;film;stars", "1;2;3", own=RATINGS)


def test_rows_of_clicks_are_clicks_as_the_configuration_says(tmp_path):
    path = tmp_path / "new.csv"

    def labels(text, **options):
        path.write_text(text)
        spec = InteractionSpec(TableSpec("c.csv"), "who", "what", "stars")
        own = OwnTable(spec, **options)
        rows = read_new_interactions(
            path, label_range=(0.0, 1.0), only_whole=True, own=own
        )
        return [(row.item_id, row.label) for row in rows.interactions], rows.refused

    text = "who,what,stars\nu,1,5\nu,2,2\nu,3,4\nu,4,many\n"
    clicks, refused = labels(text, click_at_least=4.0)
    assert clicks == [("1", 1.0), ("3", 1.0)]
    assert [row.reason for row in refused] == ["not_a_number"]
    assert labels("who,what\nu,1\nu,2\n", needs_label=False) == (
        [("1", 1.0), ("2", 1.0)],
        [],
    )


def test_ids_are_normalised_where_those_of_the_model_are(read):
    rows = read(HEADER, "U1,031,4", "u1,31.0,4", normalize=True)
    assert rows.interactions == [("u1", "31", 4.0)]
    assert [row.reason for row in rows.refused] == ["duplicate_pair"]


@pytest.mark.parametrize(
    ("keep", "has_time", "label"),
    [("first", False, 4), ("last", False, 3), ("first", True, 2), ("last", True, 5)],
)
@pytest.mark.parametrize("is_own", [True, False])
def test_of_a_repeated_rating_the_row_counts_that_prepare_takes(
    read, keep, has_time, label, is_own
):
    header, time = ("u,i,r", "t") if is_own else (HEADER, "timestamp")
    lines = [header, "a,1,4", "a,2,1", "a,1,2", "a,1,5", "a,1,3"]
    if has_time:
        times = [time, 30, "2001-02-03", 20, 50, 40]
        lines = [f"{line},{value}" for line, value in zip(lines, times, strict=True)]
    spec = InteractionSpec(TableSpec("r.csv"), "u", "i", "r", time_column="t")
    own = OwnTable(dataclasses.replace(spec, keep=keep))
    rows = read(*lines, own=own)
    assert sorted(rows.interactions) == [("a", "1", label), ("a", "2", 1.0)]
    assert (rows.refused, rows.left_out) == ([], {"repeated_pair": 3})


def test_a_repeated_rating_is_refused_where_no_key_says_which_counts(read):
    spec = InteractionSpec(TableSpec("r.csv"), "u", "i", "r", time_column="t")
    lines = ("u,i,r,t", "a,1,4,30", "a,1,2,20", "b,1,2,late")
    rows = read(*lines, own=OwnTable(spec))
    assert rows.interactions == [("a", "1", 2.0)]
    refused = [(row.line, row.reason) for row in rows.refused]
    assert refused == [(2, "duplicate_pair"), (4, "not_a_time")]
    assert rows.refused[0].detail == "user 'a' and item '1' are in line 3, too"


def test_a_repeated_click_counts_once(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(f"{HEADER}\nu,1,0\nu,1,1\nu,2,1\nu,2,1\nu,2,0\nu,3,0\n")
    rows = read_new_interactions(path, label_range=(0.0, 1.0), only_whole=True)
    assert rows.interactions == [("u", "1", 1.0), ("u", "2", 1.0), ("u", "3", 0.0)]
    assert (rows.refused, rows.left_out) == ([], {"repeated_click": 3})


def test_a_refused_row_is_kept_with_its_line_and_reason(read):
    rows = read(
        HEADER,
        "u1,1,4",
        "u1,2,9",
        "u1,3,many",
        "u1,,3",
        "u1,1,2",
        "u1,5",
        "u2,5,3,extra",
        "u2,1,4",
    )
    assert [(row.line, row.reason) for row in rows.refused] == [
        (3, "label_out_of_range"),
        (4, "not_a_number"),
        (5, "missing_field"),
        (6, "duplicate_pair"),
        (7, "missing_field"),
        (8, "malformed"),
    ]
    assert rows.refused[0].detail == "label must be within [1, 5], got 9"
    assert rows.refused[0].row == {"user_id": "u1", "item_id": "2", "label": "9"}
    assert rows.num_refused["missing_field"] == 2
    assert [row.user_id for row in rows.interactions] == ["u1", "u2"]


def test_features_are_those_of_the_first_row_and_may_not_change(read):
    rows = read(
        f"{HEADER},gender",
        "u1,1,4,F",
        "u1,2,4,M",
        "u1,3,4,F",
        feature_names=["gender"],
    )
    assert rows.features == {"u1": {"gender": "F"}}
    (refused,) = rows.refused
    assert (refused.line, refused.reason) == (3, "conflicting_entity")
    assert refused.detail == "gender of 'u1' was 'F', got 'M'"


def test_a_click_is_one_or_none(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text(f"{HEADER}\nu1,1,1\nu1,2,0\nu1,3,0.5\nu1,4,2\n")
    rows = read_new_interactions(path, label_range=(0.0, 1.0), only_whole=True)
    assert [row.label for row in rows.interactions] == [1.0, 0.0]
    assert [row.line for row in rows.refused] == [4, 5]
    assert rows.refused[0].detail == "label must be 1 for a click or 0, got 0.5"


def test_a_missing_column_is_named(read):
    with pytest.raises(DataError, match=r"new.csv, line 1: column 'label' is missing"):
        read("user_id,item_id,rating", "u1,1,4")


def test_an_unknown_column_is_named_with_those_that_are_valid(read):
    with pytest.raises(DataError, match=r"column 'sex' is unknown; valid: .*'gender'"):
        read(f"{HEADER},sex", "u1,1,4,F", feature_names=["gender"])


def test_a_column_may_not_be_there_twice(read):
    with pytest.raises(DataError, match="columns must differ"):
        read(f"{HEADER},label", "u1,1,4,4")


def test_a_file_without_a_row_of_use_says_what_is_wrong(read, tmp_path):
    with pytest.raises(DataError, match=r"no row .* 1 refused, line 2: label must be"):
        read(HEADER, "u1,1,9")
    with pytest.raises(DataError, match="a header line at most"):
        read(HEADER)
    with pytest.raises(DataError, match="must be a CSV or Parquet file: there"):
        read_new_interactions(tmp_path / "none.csv", label_range=(1.0, 5.0))


CLICKS = OwnTable(
    InteractionSpec(TableSpec("c.parquet"), "who", "what", "label"),
    needs_label=False,
    scenario_column="campaign",
)


def test_clicks_of_several_scenarios_are_not_judged_as_one(read):
    header = "who,what,campaign"
    rows = read(header, "u1,31,spring", "u2,31,spring", only_whole=True, own=CLICKS)
    assert len(rows.interactions) == 2
    message = r"new.csv must hold clicks of one scenario, got 2 in column 'campaign' "
    with pytest.raises(DataError, match=message + r"\('spring', 'autumn'\)"):
        read(header, "u1,31,spring", "u2,31,autumn", only_whole=True, own=CLICKS)


@pytest.mark.parametrize("names", [("who", "what"), ("user_id", "item_id")])
def test_a_parquet_file_is_read_as_text_is(tmp_path, names):
    path = tmp_path / "new.parquet"
    columns = pd.DataFrame({names[0]: [7, 8], names[1]: ["a", "b"], "label": [1, 0]})
    columns.to_parquet(path, index=False)
    rows = read_new_interactions(
        path, label_range=(0.0, 1.0), only_whole=True, own=CLICKS
    )
    assert rows.interactions == [("7", "a", 1.0), ("8", "b", 0.0)]


def test_features_of_a_parquet_file_may_be_numbers(tmp_path):
    path = tmp_path / "new.parquet"
    columns = {"user_id": ["u"], "item_id": [31], "label": [4.5], "age": [31.0]}
    pd.DataFrame(columns).to_parquet(path, index=False)
    rows = read_new_interactions(path, label_range=(1, 5), feature_names=["age"])
    assert rows.features == {"u": {"age": "31"}}


def test_a_packed_file_is_unpacked(tmp_path):
    path = tmp_path / "new.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\nu1,31,4\n".encode()))
    rows = read_new_interactions(path, label_range=(1.0, 5.0))
    assert rows.interactions == [("u1", "31", 4.0)]


def test_a_file_that_nothing_reads_says_what_it_is(tmp_path):
    path = tmp_path / "new.csv"
    path.write_bytes(f"{HEADER}\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"new.csv is UTF-16 text, .*save it as UTF-8"):
        read_new_interactions(path, label_range=(1.0, 5.0))
