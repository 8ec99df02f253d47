import io

import pytest

from transforms.reading.packed_files import FileError
from transforms.reading.record_rows import csv_records, json_records, record_rows
from transforms.reading.text_rows import UnreadableRow
from transforms.table_spec import TableSpec

HEADER = ("user", "item", "note")


def stream(data):
    return io.BufferedReader(io.BytesIO(data))


def csv_rows(data, columns=("item", "note"), **table):
    spec = TableSpec("t.csv", multiline=True, **table)
    records = list(csv_records(stream(data), 2, spec))
    return list(record_rows(records, HEADER, spec, columns))


def reasons(rows):
    return [
        (line, row.error.reason) for line, row in rows if isinstance(row, UnreadableRow)
    ]


def test_a_quoted_field_may_have_line_breaks_and_lines_are_counted():
    rows = csv_rows(b'u1,i1,"one\ntwo"\n\nu2,i2,"a ""b"", c"\r\n')
    assert rows == [(2, ("i1", "one\ntwo")), (5, ("i2", 'a "b", c'))]


def test_each_line_of_a_record_that_cannot_be_read_is_refused():
    rows = csv_rows(b'u1,i1,a\nu2,i2,"open\nu3,i3,b\nu4,i4,c\n')
    assert rows[0] == (2, ("i1", "a"))
    assert reasons(rows) == [(3, "malformed"), (4, "malformed"), (5, "malformed")]


def test_records_that_are_too_long_or_no_text_are_refused_alone():
    rows = csv_rows(b"u1,i1,a,b\nu2,\xff,c\nu3\nu4,i4,d\n")
    assert reasons(rows) == [(2, "malformed"), (3, "encoding"), (4, "missing_field")]
    assert rows[-1] == (5, ("i4", "d"))


def test_an_escape_makes_a_quote_text():
    rows = csv_rows(b'u1,i1,"5\\" disc,\n new"\n', escape="\\")
    assert rows == [(2, ("i1", '5" disc,\n new'))]


def test_the_objects_of_a_json_array_are_rows_and_anything_else_is_refused():
    table = TableSpec("t.json", format="json")
    data = b'[{"item": 1, "user": "a"}, 7,\n {"user": "b"}]'
    rows = list(
        record_rows(
            list(json_records(stream(data), "t.json", table)), (), table, ("item",)
        )
    )
    assert [row for row in rows if not isinstance(row[1], UnreadableRow)] == [
        (1, (1,)),
        (3, (None,)),
    ]
    assert reasons(rows) == [(2, "malformed")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'[{"a": 1}', "must be one JSON array"),
        (b'{"a": 1}\n{"a": 2}\n', "must be one JSON array.*format: jsonl"),
        (b'{"a": 1}', "got a dict"),
        (b'[{"a": 1, "a": 2}]', "'a' occurs twice"),
        (b"\xff", "utf-8"),
    ],
)
def test_a_file_that_is_no_json_array_is_named_with_the_cure(data, message):
    with pytest.raises(FileError, match=rf"t\.json .*{message}"):
        list(json_records(stream(data), "t.json", TableSpec("t.json", format="json")))
