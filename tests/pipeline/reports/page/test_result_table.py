import csv
import io

import pytest

from models.evaluation.intervals import Interval
from pipeline.judging.interval_text import cell
from pipeline.reports.page.result_table import Cell, Column, ResultTable, narrow_layouts

COLUMNS = (
    Column("method", "method"),
    Column("mae", "mae", cell, Interval, better=-1, is_decisive=True),
    Column("recall", "recall", "{:.2f}".format, better=1),
    Column("weights", "weights", "{:,}".format),
)
ROWS = (
    {"method": "a|b", "mae": Interval(0.1 + 0.2, 0.2, 0.4), "recall": 0.5},
    {"method": "<c>", "mae": Interval(0.5, 0.4, 0.6), "recall": 0.75, "weights": 1234},
    {"method": "d", "failure": "diverged"},
)


@pytest.fixture
def table():
    return ResultTable("name", "Title", "A note.", COLUMNS, ROWS)


def test_markdown_has_the_best_in_bold(table):
    title, note, rows = table.to_markdown().split("\n\n")
    assert (title, note) == ("## Title", "A note.")
    assert rows.splitlines() == [
        "| method | mae                       | recall   | weights |",
        "| ------ | ------------------------- | -------- | ------- |",
        "| a\\|b   | **0.3000 [0.200, 0.400]** | 0.50     | -       |",
        "| <c>    | 0.5000 [0.400, 0.600]     | **0.75** | 1,234   |",
        "| d      | failed                    |          |         |",
    ]


def test_csv_comes_back_in_full_precision(table):
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert list(rows[0]) == [
        *("method", "mae_mean", "mae_low", "mae_high", "mae_num_tasks"),
        *("recall", "weights"),
    ]
    assert [row["method"] for row in rows] == ["a|b", "<c>", "d"]
    assert float(rows[0]["mae_mean"]) == 0.1 + 0.2
    assert [float(rows[1][f"mae_{k}"]) for k in ("low", "high")] == [0.4, 0.6]
    assert rows[0]["weights"] == rows[2]["mae_mean"] == rows[2]["recall"] == ""


def test_cells_carry_the_keys_to_sort_by(table):
    first, second, third = table.cells()
    assert first[0] == Cell("a|b", "text", key="a|b", is_best=False)
    assert second[1] == Cell("0.5000 [0.400, 0.600]", "number", key=0.5, is_best=False)
    assert second[2] == Cell("0.75", "number", key=0.75, is_best=True)
    assert third[1] == Cell("failed", "number", key="", is_best=False)


def test_equals_are_both_the_best():
    rows = [{"method": name, "recall": 0.5} for name in "ab"]
    table = ResultTable("name", "Title", "", COLUMNS, rows)
    assert table.to_markdown().count("**0.50**") == 2


def test_a_column_without_a_value_has_no_best():
    table = ResultTable("name", "Title", "", COLUMNS, [{"method": "a"}])
    assert "**" not in table.to_markdown()


def test_long_text_is_given_room():
    rows = [{"method": "x" * 41}, {"method": "x" * 40}]
    table = ResultTable("name", "Title", "", COLUMNS[:1], rows)
    assert [row[0].kind for row in table.cells()] == ["text long", "text"]


def test_a_narrow_table_stays_one():
    assert narrow_layouts(["a", "b"], [["1", "22"]]) == [
        "| a | b  |\n| - | -- |\n| 1 | 22 |"
    ]


def test_a_wide_table_becomes_several_that_begin_with_the_same_column():
    header = ["aa", "b" * 43, "c" * 43, "d" * 43]
    first, second = narrow_layouts(header, [["1", "2", "3", "4"]])
    assert [len(line) for line in first.splitlines()] == [
        98
    ] * 3  # 2 + 43 + 43 + 3 * 3 + 1.
    assert first.splitlines()[2].split() == ["|", "1", "|", "2", "|", "3", "|"]
    assert second.splitlines()[2].split() == ["|", "1", "|", "4", "|"]


def test_a_column_that_is_too_wide_has_a_table_of_its_own():
    tables = narrow_layouts(["a", "b" * 120, "c"], [["1", "2", "3"]])
    assert [len(table.splitlines()[0]) for table in tables] == [128, 9]


def test_lines_of_exactly_the_width_are_not_cut():
    (table,) = narrow_layouts(["a", "b" * 45, "c" * 44], [["1", "2", "3"]])
    assert len(table.splitlines()[0]) == 100
