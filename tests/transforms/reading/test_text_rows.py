import io

import pytest

from transforms.reading.row_error import RowError
from transforms.reading.text_rows import (
    UnreadableRow,
    csv_cut,
    cut_at_lines,
    decoded_lines,
    json_cut,
    line_cut,
    list_cut,
    skip_byte_order_mark,
    split_header,
    text_rows,
)
from transforms.table_spec import TableSpec

HEADER = ("user", "item", "title")


def rows(data, columns=("item", "user"), **table):
    spec = TableSpec("t", **table)
    cut = csv_cut(spec.header or HEADER, spec, columns)
    return list(text_rows(data, 2, spec.encoding, cut))


def reason(fields):
    assert isinstance(fields, UnreadableRow)
    return fields.error.reason


@pytest.mark.parametrize("block_bytes", [1, 4, 7, 100])
def test_blocks_hold_whole_lines_whatever_their_size(block_bytes):
    data = b"one\ntwo\n\nthree"
    blocks = list(cut_at_lines(io.BufferedReader(io.BytesIO(data)), block_bytes))
    assert b"".join(blocks) == data
    assert all(block.endswith(b"\n") for block in blocks[:-1])


def test_byte_order_mark_is_skipped_if_there_is_one():
    marked = io.BufferedReader(io.BytesIO(b"\xef\xbb\xbfid"))
    skip_byte_order_mark(marked)
    assert marked.read() == b"id"
    plain = io.BufferedReader(io.BytesIO(b"id"))
    skip_byte_order_mark(plain)
    assert plain.read() == b"id"


def test_header_names_lose_blanks_quotes_and_line_ends():
    assert split_header(b'"id", name\r\n', TableSpec("t")) == ("id", "name")


@pytest.mark.parametrize("line", [b'"id,name', b"\xff,name"])
def test_an_unreadable_header_is_shown(line):
    with pytest.raises(ValueError, match=r"header line of t must be utf-8 text.*got b"):
        split_header(line, TableSpec("t"))


def test_fields_come_in_the_order_asked_for_with_their_line_number():
    assert rows(b"u1,i1,T\nu2,i2,T\n") == [(2, ("i1", "u1")), (3, ("i2", "u2"))]


def test_quoted_fields_may_hold_the_delimiter():
    data = b'u1,i1,"One, ""two"""\r\n'
    assert rows(data, ("title",)) == [(2, ('One, "two"',))]


def test_fields_may_be_separated_by_two_colons_and_quotes_mean_nothing_then():
    data = b'u1::i1::The "Best"\n'
    assert rows(data, ("title",), delimiter="::") == [(2, ('The "Best"',))]


def test_blank_lines_are_no_rows_but_count_as_lines():
    assert rows(b"\nu1,i1,T\r\n\r\n\n", ("user",)) == [(3, ("u1",))]


def test_quotes_mean_nothing_if_there_is_no_quote():
    assert rows(b'u1,i1,"One\n', ("title",), quote="") == [(2, ('"One',))]


def test_another_quote_and_an_escape_can_be_given():
    data = b"u1,i1,'One, two'\nu2,i2,a\\,b\n"
    assert rows(data, ("title",), quote="'", escape="\\") == [
        (2, ("One, two",)),
        (3, ("a,b",)),
    ]


def test_a_quote_left_open_spoils_only_its_own_line():
    (line, bad), good = rows(b'u1,i1,"open\nu2,i2,T\n')
    assert (line, reason(bad), bad.text) == (2, "malformed", 'u1,i1,"open')
    assert good == (3, ("i2", "u2"))


def test_too_few_fields_are_missing_and_too_many_are_malformed():
    (_, short), (_, long) = rows(b"u1,i1\nu1,i1,T,x\n")
    assert reason(short) == "missing_field"
    assert "expected 3 fields, got 2" in str(short.error)
    assert reason(long) == "malformed"
    assert "expected 3 fields, got 4" in str(long.error)


@pytest.mark.parametrize("header", [None, HEADER])
def test_a_row_that_is_too_long_is_refused_wherever_the_header_stands(header):
    (_, bad), good = rows(b"u1,i1,One, two\nu2,i2,T\n", header=header)
    assert reason(bad) == "malformed"
    assert good == (3, ("i2", "u2"))


def test_fields_beyond_the_columns_are_left_only_where_the_table_says_so():
    data = b"u1,i1,T,more\nu1\n"
    (_, first), (_, second) = rows(data, extra_fields=True)
    assert first == ("i1", "u1")
    assert reason(second) == "missing_field"


def test_a_column_that_a_file_lacks_has_no_value():
    assert rows(b"u1,i1,T\n", ("year", "user")) == [(2, (None, "u1"))]


def test_a_key_that_occurs_twice_in_a_json_line_is_malformed():
    ((_, bad),) = text_rows(b'{"a": 1, "a": 2}', 1, "utf-8", json_cut(("a",)))
    assert reason(bad) == "malformed"
    assert "'a' occurs twice" in str(bad.error)


def test_only_undecodable_lines_are_refused():
    first, (line, bad), last = decoded_lines(b"a\n\xffb\nc", "utf-8", 10)
    assert (first, last) == ((10, "a"), (12, "c"))
    assert (line, reason(bad), bad.text) == (11, "encoding", "\\xffb")


def test_json_lines_give_none_for_an_absent_key():
    data = b'{"user": 1, "item": [2, 3]}\n{"item": "x"}\n'
    parsed = list(text_rows(data, 1, "utf-8", json_cut(("user", "item"))))
    assert parsed == [(1, (1, [2, 3])), (2, (None, "x"))]


@pytest.mark.parametrize("line", [b"{", b"[1]", b"7", b"[" * 100_000])
def test_lines_that_are_no_json_object_are_malformed(line):
    ((_, bad),) = text_rows(line, 1, "utf-8", json_cut(("user",)))
    assert reason(bad) == "malformed"
    assert isinstance(bad.error, RowError)


def test_each_value_of_a_list_is_a_row_with_the_number_of_its_line():
    # Line 1 has the id 0. Line 2 is blank and line 3 empty, yet both are counted.
    data = b"2 7 9\n\n0\r\n1\t8\r\n"
    parsed = list(text_rows(data, 1, "utf-8", list_cut(("value", "line"))))
    assert parsed == [(1, ("7", "0")), (1, ("9", "0")), (4, ("8", "3"))]


def test_ids_of_a_later_block_go_on_from_its_first_line():
    assert list(text_rows(b"1 7\n", 5, "utf-8", list_cut(("line",)))) == [(5, ("4",))]
    assert list(text_rows(b"x\n", 5, "utf-8", line_cut(("line",)))) == [(5, ("4",))]


@pytest.mark.parametrize(
    ("line", "got"),
    [
        (b"3 7 9", "got '3' and 2 values"),
        (b"1 7 9", "got '1' and 2 values"),
        (b"x 7", "got 'x' and 1 values"),
        (b" \t", "got '' and 0 values"),
    ],
)
def test_a_list_with_a_wrong_count_is_one_refused_row_and_loses_no_other(line, got):
    data = b"1 5\n" + line + b"\n1 6\n"
    first, (number, bad), last = text_rows(
        data, 1, "utf-8", list_cut(("line", "value"))
    )
    assert (first, last) == ((1, ("0", "5")), (3, ("2", "6")))
    assert (number, reason(bad), bad.text) == (2, "malformed", line.decode())
    assert f"expected a count and as many values, {got}" in str(bad.error)


def test_plain_lines_keep_quotes_delimiters_and_blanks():
    data = 'a,"b\n\n #c \r\né'.encode()
    parsed = list(text_rows(data, 1, "utf-8", line_cut(("line", "text"))))
    assert parsed == [(1, ("0", 'a,"b')), (3, ("2", " #c ")), (4, ("3", "é"))]


@pytest.mark.parametrize("new_cut", [list_cut, line_cut])
def test_an_undecodable_line_of_either_format_is_refused_alone(new_cut):
    (number, bad), (last, _) = text_rows(
        b"1 \xff\n1 8\n", 1, "utf-8", new_cut(("line",))
    )
    assert (number, reason(bad), last) == (1, "encoding", 2)
