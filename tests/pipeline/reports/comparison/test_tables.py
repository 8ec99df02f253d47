import csv
import dataclasses
import io

import pytest

from pipeline.reports.comparison.summary import summarise
from pipeline.reports.comparison.tables import (
    all_tables,
    few_shot_table,
    group_table,
    main_table,
    standing_table,
)


def rows_of(table):
    return {row["method"]: row for row in table.rows}


def test_there_is_a_table_for_all_that_is_known(summary):
    names = [table.name for table in all_tables(summary)]
    assert names == ["main", "few_shot", "groups", "wins"]


def test_there_is_no_table_for_what_is_not(results, setup):
    bare = dataclasses.replace(setup, few_shot={}, groups={"cold": "x"})
    found = all_tables(summarise(results, bare, None))
    assert [table.name for table in found] == ["main"]


def test_the_main_table_has_quality_differences_and_costs(summary):
    rows = rows_of(main_table(summary))
    cmml = rows["cmml"]
    assert cmml["mae"] == summary.main("cmml")
    # Means over tasks of 1 - mae / 2.
    assert cmml["ndcg@3"] == pytest.approx(1.0 - cmml["mae"].mean / 2.0, abs=0.01)
    assert cmml["seeds"].low < cmml["mae"].mean < cmml["seeds"].high
    assert cmml["less_reference"] == summary.less_reference["cmml"].interval
    assert cmml["less_reference_holm_p"] == pytest.approx(6.0 / 201.0)
    assert "less_cmml" not in cmml
    assert (cmml["num_parameters"], cmml["adapt_ms"]) == (1234, 1.0)
    assert rows["item_mean"]["flags"] == "constant"


def test_what_is_not_known_is_a_dash(summary):
    table = main_table(summary)
    ridge = rows_of(table)["ridge"]
    assert ridge["seeds"] is ridge["train_s"] is ridge["peak_mb"] is None
    (line,) = [x for x in table.to_markdown().splitlines() if x.startswith("| ridge")]
    assert line.count("| - ") == 7  # Seeds, 2 of itself, weights, training, MB, flags.


def test_a_method_that_broke_off_is_a_row_that_says_so(summary):
    table = main_table(summary)
    line = table.to_markdown().splitlines()[-1]
    cells = [text.strip() for text in line.split("|")[1:-1]]
    assert cells[:3] == ["s2meta", "learned", "failed"]
    assert cells[-1] == "failed: loss < 0 & not finite"
    assert set(cells[3:-1]) == {""}


def test_the_csv_of_the_main_table_has_every_number(summary):
    lines = list(csv.DictReader(io.StringIO(main_table(summary).to_csv())))
    cmml = next(line for line in lines if line["method"] == "cmml")
    assert float(cmml["mae_mean"]) == summary.main("cmml").mean
    assert float(cmml["less_reference_low"]) == (
        summary.less_reference["cmml"].interval.low
    )
    assert float(cmml["less_reference_holm_p"]) == pytest.approx(6.0 / 201.0)


def test_sizes_and_groups_are_columns(summary):
    few = few_shot_table(summary)
    assert [column.title for column in few.columns] == ["method", "0", "20"]
    assert (
        rows_of(few)["melu"]["cold/support_0"]
        == (summary.quality["melu", "cold/support_0"])
    )
    groups = group_table(summary)
    assert [column.title for column in groups.columns] == ["method", "cold", "warm"]
    assert "warm: users of meta-train" in groups.note


def test_wins_are_against_the_reference(summary):
    table = standing_table(summary)
    rows = rows_of(table)
    assert "ridge" not in rows
    assert rows["cmml"]["cold"].better == 1.0
    assert rows["cmml"]["cold"].verdict == "better"
    assert rows["item_mean"]["warm"].verdict == "worse"
    assert "100 % / 0 %, better" in table.to_markdown()
    assert rows["s2meta"]["cold"] is None


def test_the_notes_say_which_way_is_better(summary):
    assert "Better is lower mae, higher ndcg@3" in main_table(summary).note
    assert "Lower is better" in few_shot_table(summary).note
