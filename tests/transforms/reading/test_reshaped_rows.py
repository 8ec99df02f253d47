import json

import pyarrow as pa
import pytest

from transforms.reading.blocks import Block, rows_of
from transforms.reading.text_rows import UnreadableRow
from transforms.table_spec import TableSpec, WideSpec


def csv(data, columns, header, **table):
    block = Block("t.csv", 0, 2, data, header)
    return list(rows_of(block, TableSpec("t.csv", **table), columns))


def jsonl(records, columns, **table):
    data = "".join(json.dumps(record) + "\n" for record in records).encode()
    spec = TableSpec("t.jsonl", format="jsonl", **table)
    return list(rows_of(Block("t.jsonl", 0, 1, data), spec, columns))


def test_a_code_for_nothing_known_is_none_in_every_reader():
    rows = csv(b"u1,99\nu2, NA \nu3,5\n", ("u", "r"), ("u", "r"), missing=("99", "NA"))
    assert [fields for _, fields in rows] == [("u1", None), ("u2", None), ("u3", "5")]
    records = [{"u": 1, "r": 99.0}, {"u": 2, "r": [99]}]
    rows = jsonl(records, ("u", "r"), missing=("99",))
    assert [fields for _, fields in rows] == [(1, None), (2, [99])]


WIDE = WideSpec(("user",), name="item", value="rating")


def test_each_cell_of_a_wide_table_that_is_not_empty_is_a_row():
    data = b"u1,5,,3\nu2,99,1,\nu3,1\n"
    header = ("user", "a", "b", "c")
    columns = ("user", "item", "rating")
    rows = csv(data, columns, header, wide=WIDE, missing=("99",))
    assert rows[:3] == [
        (2, ("u1", "a", "5")),
        (2, ("u1", "c", "3")),
        (3, ("u2", "b", "1")),
    ]
    assert len(rows) == 4
    assert rows[3][1].error.reason == "missing_field"


def test_a_wide_table_may_come_by_column_and_name_its_cells():
    batch = pa.RecordBatch.from_pydict({"a": [5, None], "user": [1, 2], "x": [7, 8]})
    wide = WideSpec(("user",), "item", "rating", cells=("a",))
    spec = TableSpec("t.parquet", format="parquet", wide=wide)
    rows = rows_of(Block("t", 0, 1, batch), spec, ("rating", "user", "item"))
    assert list(rows) == [(1, (5, 1, "a"))]


def test_lists_become_a_row_for_each_element_side_by_side():
    records = [{"u": 1, "items": ["a", "b"], "stars": [5, 3]}, {"u": 2, "items": "x"}]
    rows = jsonl(records, ("u", "items", "stars"), list_columns=("items", "stars"))
    assert rows[:2] == [(1, (1, "a", 5)), (1, (1, "b", 3))]
    assert rows[2][1].error.reason == "malformed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('["a"', "malformed"),
        ("[]", "missing_field"),
        ("", "missing_field"),
        ("a", "malformed"),
    ],
)
def test_a_field_that_is_no_list_is_refused(text, reason):
    ((_, row),) = jsonl([{"items": text}], ("items",), list_columns=("items",))
    assert isinstance(row, UnreadableRow)
    assert row.error.reason == reason


def test_lists_may_be_json_text_and_must_have_one_length():
    rows = jsonl([{"items": "[1, 2]"}], ("items",), list_columns=("items",))
    assert rows == [(1, (1,)), (1, (2,))]
    ((_, row),) = jsonl([{"a": [1], "b": [1, 2]}], ("a", "b"), list_columns=("a", "b"))
    assert "one length, got [1, 2]" in str(row.error)


def test_a_table_that_reads_no_list_keeps_its_rows():
    rows = jsonl([{"u": 1, "items": [1, 2]}], ("u",), list_columns=("items",))
    assert rows == [(1, (1,))]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"quote": "''"}, "quote must be one character"),
        ({"multiline": True, "format": "jsonl"}, "multiline goes with"),
        ({"escape": "!", "delimiter": "::"}, "escape goes with"),
        ({"wide": WIDE, "format": "jsonl"}, "wide goes with"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(table, message):
    with pytest.raises(ValueError, match=message):
        TableSpec("t", **table)
