import json

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline

from transforms.reading.rejected_row import RejectedRow
from transforms.reading.row_error import REASONS, RowError
from transforms.writing.output_files import OutputFiles
from transforms.writing.rejected import collect_rejected, sorted_once, write_rejected


def refused(
    line, source="a.csv", reason="malformed", detail="why", table="interactions"
):
    return RejectedRow(table, source, line, reason, detail, {"x": "1"})


def test_a_refused_row_is_one_json_object():
    assert json.loads(refused(7).to_json()) == {
        "table": "interactions",
        "source": "a.csv",
        "line": 7,
        "reason": "malformed",
        "detail": "why",
        "row": {"x": "1"},
    }


def test_an_unreadable_row_is_kept_as_text():
    row = RejectedRow("users", "a.csv", 7, "malformed", "why", "a,b")
    assert json.loads(row.to_json())["row"] == "a,b"


def test_rows_are_sorted_and_one_of_each_line_and_reason_is_kept():
    rows = [refused(9), refused(2, detail="b"), refused(2, detail="a"), refused(2)]
    other = refused(2, reason="encoding")
    assert sorted_once([*rows, other]) == [other, refused(2, detail="a"), refused(9)]


def test_parts_are_in_order_of_source_and_line_and_counted_by_reason(tmp_path):
    files = OutputFiles(str(tmp_path))
    rows = [
        refused(5_000_000),
        refused(3, "b.csv", table="users"),
        refused(4),
        refused(2, reason="encoding"),
    ]
    with TestPipeline("FnApiRunner") as root:
        _ = root | beam.Create(rows) | write_rejected(files)
    collected = collect_rejected(files)
    assert collected.reasons == {"malformed": 3, "encoding": 1}
    assert {table: row["line"] for table, row in collected.first.items()} == {
        "interactions": 2,
        "users": 3,
    }
    parts = sorted((tmp_path / "rejected").iterdir())
    assert [part.name for part in parts] == [
        "part-00000.jsonl",
        "part-00001.jsonl",
        "part-00002.jsonl",
    ]
    places = [
        [(row["source"], row["line"]) for row in map(json.loads, part.open())]
        for part in parts
    ]
    assert places == [
        [("a.csv", 2), ("a.csv", 4)],
        [("a.csv", 5_000_000)],
        [("b.csv", 3)],
    ]
    (counter,) = root.result.metrics().query()["counters"]
    assert (counter.key.metric.name, counter.committed) == ("rows_refused", 4)


def test_without_refused_rows_the_folder_is_there_and_empty(tmp_path):
    assert not collect_rejected(OutputFiles(str(tmp_path))).reasons
    assert list((tmp_path / "rejected").iterdir()) == []


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_an_error_says_its_reason_and_its_detail(reason):
    assert str(RowError(reason, "got 7")) == f"{reason}: got 7"
