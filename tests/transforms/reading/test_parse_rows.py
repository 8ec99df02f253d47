import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from transforms.reading.blocks import Block
from transforms.reading.parse_rows import COUNTS, ParseRows
from transforms.reading.row_error import NOT_A_NUMBER, RowError, UnwantedRowError
from transforms.row_counts import RowCounts
from transforms.table_spec import TableSpec

TABLE = TableSpec("b.csv")
BLOCK = Block("b.csv", 0, 2, b"1,a\nx,b\n3\n4,d\n", ("number", "text"))


class Sum:
    """Sums the numbers of a block up."""

    def __init__(self, block):
        self.counts = RowCounts()
        self.first_line = block.first_line
        self.sum = 0

    def add(self, line, fields):
        (text,) = fields
        if text == "crash":
            raise KeyError(text)
        if not text.isdecimal():
            raise RowError(NOT_A_NUMBER, f"got {text!r}")
        if text == "0":
            raise UnwantedRowError("zero")
        self.counts.used += 1
        self.sum += int(text)

    def parsed(self):
        return [(self.first_line, self.sum)]


def test_each_row_is_parsed_or_refused_with_line_and_reason():
    with TestPipeline("FnApiRunner") as root:
        blocks = root | beam.Create([BLOCK])
        rows = blocks | ParseRows("sums", TABLE, ["number"], Sum)
        assert_that(rows.parsed, equal_to([(2, 1 + 4)]), label="parsed")
        refused = rows.rejected | beam.Map(
            lambda row: (row.table, row.source, row.line, row.reason, row.row)
        )
        expected = [
            ("sums", "b.csv", 3, "not_a_number", {"number": "x"}),
            ("sums", "b.csv", 4, "missing_field", "3"),
        ]
        assert_that(refused, equal_to(expected), label="rejected")
    (read,) = root.result.metrics().query()["counters"]
    assert (read.key.metric.name, read.committed) == ("sums_read", 4)


def test_what_became_of_each_row_is_counted():
    block = Block("b.csv", 0, 2, b"1,a\nx,b\n0,c\n2,d\n\xff\n", ("number", "text"))
    stage = ParseRows("sums", TABLE, ["number"], Sum).parse_block
    ((name, counts),) = (part for kind, part in stage.process(block) if kind == COUNTS)
    assert (name, counts.read, counts.used) == ("sums", 5, 2)
    assert counts.left_out == {"zero": 1}
    assert counts.refused == {"not_a_number": 1, "encoding": 1}
    counts.check_sum(name)


def test_an_error_that_is_no_fault_of_a_row_stops_the_job():
    block = Block("b.csv", 0, 2, b"crash,a\n", ("number", "text"))
    with (
        pytest.raises(Exception, match="crash"),
        TestPipeline("FnApiRunner") as root,
    ):
        _ = root | beam.Create([block]) | ParseRows("sums", TABLE, ["number"], Sum)
