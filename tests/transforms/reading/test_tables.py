import dataclasses
import gzip
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.ratings.tables import used_tables
from transforms.reading.tables import check_contents, check_tables, columns_by_table
from transforms.specs import DatasetSpec, EntitySpec, FeatureSpec, InteractionSpec
from transforms.table_spec import TableSpec, WideSpec


def interactions(path, **table):
    return DatasetSpec(InteractionSpec(TableSpec(path, **table)))


def test_good_tables_pass(spec, raw):
    check_tables(used_tables(spec), str(raw))


def test_an_absent_column_is_named_with_its_meaning_and_the_nearest_one(raw):
    (raw / "r.csv").write_text("userId,item_id,rating\n")
    spec = DatasetSpec(InteractionSpec(TableSpec("r.csv"), user_column="userid"))
    with pytest.raises(
        ValueError,
        match=r"r\.csv has no column 'userid' \(interactions\.user_column\); "
        r"did you mean 'userId'\? Columns: userId, item_id, rating\.",
    ):
        check_tables(used_tables(spec), str(raw))


def test_an_absent_feature_column_is_named_with_its_feature(spec, raw):
    users = EntitySpec(TableSpec("users.csv"), features=(FeatureSpec("job"),))
    message = r"no column 'job' \(data\.users\.features, feature 'job'\)"
    used = used_tables(dataclasses.replace(spec, users=users), "data.")
    with pytest.raises(ValueError, match=message):
        check_tables(used, str(raw))


@pytest.mark.parametrize(
    ("header", "delimiter", "shown"),
    [
        ("user_id;item_id;rating", ",", '";"'),
        ("user_id\titem_id\trating", ",", r'"\\t"'),
        ("user_id,item_id,rating", ";", '","'),
        ("user_id::item_id::rating", ",", '"::"'),
        ("buyer|item|stars", ",", r'"\|"'),
        ("user_id;a,b;rating", ",", '";"'),
    ],
)
def test_another_delimiter_is_named_with_its_key(raw, header, delimiter, shown):
    (raw / "r.csv").write_text(f"{header}\n")
    used = used_tables(interactions("r.csv", delimiter=delimiter), "data.")
    key = rf"so set data\.interactions\.table\.delimiter: {shown}\. Columns: "
    with pytest.raises(
        ValueError, match=rf"\(data\.interactions\.user_column\).*{key}"
    ):
        check_tables(used, str(raw))


def test_another_delimiter_is_named_where_quotes_hide_the_names(raw):
    (raw / "r.csv").write_text('"user_id";"item_id";"rating"\n')
    message = (
        r"the header line of r\.csv .* so set data\.interactions\..*delimiter: \";\""
    )
    with pytest.raises(ValueError, match=message):
        check_tables(used_tables(interactions("r.csv"), "data."), str(raw))


@pytest.mark.parametrize(
    ("line", "table_format"),
    [('{"user_id": 1}', "jsonl"), ('[{"user_id": 1}]', "json"), ("[", "json")],
)
def test_json_that_is_to_be_csv_is_named_with_its_format(raw, line, table_format):
    (raw / "r.csv").write_text(f"{line}\n")
    message = rf"^r\.csv holds JSON objects: set `format: {table_format}`\.$"
    with pytest.raises(ValueError, match=message):
        check_tables(used_tables(interactions("r.csv")), str(raw))


def test_a_file_without_a_header_line_is_told_of_the_key(raw):
    (raw / "r.csv").write_text("u1,i1,4\n")
    message = r"; name its columns in data\.interactions\.table\.header if it has no"
    with pytest.raises(ValueError, match=message):
        check_tables(used_tables(interactions("r.csv"), "data."), str(raw))


def test_a_long_header_line_that_cannot_be_read_is_not_shown_whole(raw):
    (raw / "r.csv").write_text('"a"b' * 999 + "\n")
    with pytest.raises(ValueError, match=r"the header line of r\.csv") as raised:
        check_tables(used_tables(interactions("r.csv")), str(raw))
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize("header", ["user", "a;b,item_id,rating"])
def test_no_other_delimiter_is_guessed_without_a_sign_of_it(raw, header):
    (raw / "r.csv").write_text(f"{header}\n")
    with pytest.raises(ValueError, match=r"no column 'user_id'") as raised:
        check_tables(used_tables(interactions("r.csv")), str(raw))
    assert "delimiter" not in str(raised.value)


def test_the_columns_of_parquet_are_in_its_schema(raw):
    pq.write_table(pa.table({"user_id": [1], "item_id": [2]}), raw / "r.parquet")
    with pytest.raises(ValueError, match=r"'rating'.*Columns: user_id, item_id"):
        check_tables(used_tables(interactions("r.parquet", format="parquet")), str(raw))


def test_the_columns_of_json_lines_are_those_of_all_lines_together(raw):
    path = raw / "r.jsonl"
    first = '{"user_id": 1}\nbad\n{"item_id": 2}\n' * 5000
    path.write_text(first + '{"rating": 3}\n')
    check_tables(used_tables(interactions("r.jsonl", format="jsonl")), str(raw))
    path.write_text('{"user_id": 1}\n')
    with pytest.raises(ValueError, match="has no column 'item_id'"):
        check_tables(used_tables(interactions("r.jsonl", format="jsonl")), str(raw))


def test_a_column_that_a_wide_table_has_twice_is_an_error(raw):
    (raw / "w.csv").write_text("user_id,a,b,a\n1,2,3,4\n")
    wide = WideSpec(("user_id",))
    with pytest.raises(ValueError, match=r"w\.csv has 2 columns 'a' \(wide\): rename"):
        check_tables(used_tables(interactions("w.csv", wide=wide)), str(raw))
    wide = WideSpec(("user_id",), cells=("b",))
    check_tables(used_tables(interactions("w.csv", wide=wide)), str(raw))


def test_line_ends_of_carriage_returns_alone_are_said(raw):
    (raw / "r.csv").write_bytes(b"user_id,item_id,rating\r1,2,3\r")
    with pytest.raises(ValueError, match=r"lines of r\.csv must end with a line feed"):
        check_tables(used_tables(interactions("r.csv")), str(raw))


def test_a_given_header_must_name_the_columns(raw):
    spec = interactions("ratings.csv", header=("user_id", "movie_id", "rating"))
    with pytest.raises(ValueError, match="has no column 'item_id'"):
        check_tables(used_tables(spec), str(raw))


def test_a_missing_file_is_an_error(raw):
    with pytest.raises(ValueError, match=r"interactions.table.path.*'no.csv'"):
        check_tables(used_tables(interactions("no.csv")), str(raw))


@pytest.mark.parametrize("encoding", ["utf-16", "klingon"])
def test_encodings_that_cannot_be_cut_at_lines_are_refused(raw, encoding):
    with pytest.raises(ValueError, match=rf"encoding must be.*got '{encoding}'"):
        check_tables(
            used_tables(interactions("ratings.csv", encoding=encoding)), str(raw)
        )


def test_a_delimiter_has_one_character_or_is_two_colons(raw):
    with pytest.raises(ValueError, match=r"delimiter must be one.*got '\|\|'"):
        check_tables(used_tables(interactions("ratings.csv", delimiter="||")), str(raw))


def test_a_table_with_two_uses_is_read_once_with_the_columns_of_both():
    table = TableSpec("r.csv")
    spec = DatasetSpec(
        InteractionSpec(table),
        EntitySpec(table, "user_id", features=(FeatureSpec("age"),)),
    )
    assert columns_by_table(used_tables(spec)) == {
        table: ("user_id", "item_id", "rating", "age")
    }


@pytest.mark.parametrize(
    ("kind", "columns"), [("lists", "line, value"), ("lines", "line, text")]
)
def test_the_columns_of_lists_and_lines_are_always_the_same(raw, kind, columns):
    (raw / "r.dat").write_text("1 7\n")
    spec = InteractionSpec(TableSpec("r.dat", format=kind), "line", "other")
    with pytest.raises(ValueError, match=rf"no column 'other'.*Columns: {columns}\."):
        check_tables(used_tables(DatasetSpec(spec)), str(raw))


def test_a_json_array_is_named(raw):
    (raw / "r.jsonl").write_text('[{"user_id": 1}]')
    with pytest.raises(ValueError, match=r"r\.jsonl must have one JSON object a line"):
        check_tables(used_tables(interactions("r.jsonl", format="jsonl")), str(raw))


def test_of_two_columns_of_one_name_none_is_taken(raw):
    (raw / "r.csv").write_text("user_id,item_id,rating,rating\n")
    with pytest.raises(ValueError, match=r"r\.csv has 2 columns 'rating'"):
        check_tables(used_tables(interactions("r.csv")), str(raw))


def test_a_feature_may_be_absent_from_some_part_files_but_no_id(spec, raw):
    (raw / "part-0.csv").write_text("id,gender,age\n")
    (raw / "part-1.csv").write_text("id,age\n")
    users = dataclasses.replace(spec.users, table=TableSpec("part-*.csv"))
    check_tables(used_tables(dataclasses.replace(spec, users=users)), str(raw))
    (raw / "part-1.csv").write_text("gender,age\n")
    with pytest.raises(ValueError, match=r"part-1\.csv has no column 'id'"):
        check_tables(used_tables(dataclasses.replace(spec, users=users)), str(raw))


@pytest.mark.parametrize("cut", [40, 400])
def test_a_cut_archive_is_named_before_any_work(raw, cut):
    packed = gzip.compress(
        b"user_id,item_id,rating\n" + random.Random(1).randbytes(999)
    )
    (raw / "r.csv").write_bytes(packed[:-cut])
    tables = used_tables(interactions("r.csv"))
    with pytest.raises(ValueError, match=r"r\.csv must be a whole file"):
        check_contents(tables, str(raw))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("csv", r"b\.parquet is a Parquet file: set `format: parquet`; all files of"),
        ("parquet", r"a\.csv is no Parquet file: give its `format`; all files of"),
    ],
)
def test_files_of_one_path_have_one_format(raw, kind, message):
    folder = raw / "mixed"
    folder.mkdir()
    row = {"user_id": [1], "item_id": [2], "rating": [3.0]}
    pq.write_table(pa.table(row), folder / "b.parquet")
    (folder / "a.csv").write_text("user_id,item_id,rating\n1,2,3\n")
    with pytest.raises(ValueError, match=message):
        check_tables(used_tables(interactions("mixed/*", format=kind)), str(raw))


def test_a_damaged_parquet_file_is_named(raw):
    pq.write_table(
        pa.table({"user_id": [1], "item_id": [2], "rating": [3.0]}), raw / "r.parquet"
    )
    whole = (raw / "r.parquet").read_bytes()
    tables = used_tables(interactions("r.parquet", format="parquet"))
    check_contents(tables, str(raw))
    (raw / "r.parquet").write_bytes(gzip.compress(whole))
    check_tables(tables, str(raw))
    check_contents(tables, str(raw))
    (raw / "r.parquet").write_bytes(whole[:-20])
    with pytest.raises(ValueError, match=r"r\.parquet must be a whole file"):
        check_tables(tables, str(raw))
    (raw / "r.parquet").write_bytes(b"user_id,item_id\n")
    with pytest.raises(ValueError, match=r"r\.parquet is no Parquet file"):
        check_tables(tables, str(raw))
