import dataclasses
from collections import Counter

import numpy as np

from models.evaluation.intervals import Interval
from pipeline.reports.run.tables import (
    group_table,
    joins_table,
    left_out_table,
    metrics_table,
    rows_table,
    split_table,
    worst_table,
)
from pipeline.settings.user.metrics import METRICS
from transforms.joins import join_ids
from transforms.row_counts import RowCounts


def test_metrics_stand_in_the_table_as_in_the_summary(rated, make_run):
    rows = {
        "cmml": {"cold": rated(0.5, 8)},
        "knn": {"cold": rated(0.6, 8)},
    }
    gap = Interval(-0.1, -0.2, 0.0)
    text = metrics_table(
        make_run(rows), "cold", [METRICS[0]], {"knn": gap}, title="t"
    ).to_markdown()
    assert "| cmml   | **0.5000 [0.500, 0.500]** | -                          |" in text
    assert "| knn    | 0.6000 [0.600, 0.600]     | -0.1000 [-0.2000, +0.0000] |" in text


def test_groups_of_one_kind_are_called_by_it(rated, make_findings):
    found = make_findings(
        {"cmml": {"cold": rated(0.5, 8)}, "knn": {"cold": rated(0.6, 8)}}
    )
    table = group_table("popularity", found.popularity, "knn")
    assert table.columns[0].title == "interactions of the item"
    assert table.rows[0]["label"] == "0"
    both = group_table("all", [*found.popularity, *found.activity], "knn")
    assert [column.title for column in both.columns[:2]] == ["of", "group"]


def test_splits_show_the_share_of_new_items(data):
    _, row = split_table(data).rows
    assert (row["tasks"], row["support"], row["median"]) == (40, 320, 8.0)
    assert row["new"] == 0.05  # 10 of 200.


def test_codes_are_put_into_words(data):
    data.info.num_rejected.update({"malformed": 2, "odd": 1})
    data.info.num_dropped.update({"pool_too_small": 3})
    rows = left_out_table(data, {"malformed": "no row"}).rows
    assert [(row["reason"], row["count"]) for row in rows] == [
        ("no row", 2),
        ("odd", 1),
        ("scenarios with too few items", 3),
    ]


def test_the_worst_tasks_have_their_names(rated, make_findings):
    errors = np.linspace(0.1, 0.9, 40)
    found = make_findings({"cmml": {"cold": rated(errors, 8)}})
    table = worst_table(found.evaluated, found.worst, {"u39": "Jazz"})
    assert len(table.rows) == 20
    first = table.rows[0]
    assert (first["task"], first["name"]) == ("u39", "Jazz")
    assert abs(first["metric"] - 0.9) < 1e-12


def with_info(data, **changes):
    return dataclasses.replace(data, info=dataclasses.replace(data.info, **changes))


def test_the_rows_of_each_table_add_up(data):
    counts = RowCounts(
        read=9,
        used=5,
        left_out=Counter(a=1, b=2),
        refused=Counter(c=1),
        unreadable=Counter(age=4),
    )
    facts = with_info(data, tables={"users": counts})
    (row,) = rows_table(facts).rows
    assert row["read"] == row["used"] + row["left_out"] + row["refused"] == 9
    assert (row["left_out"], row["unreadable"], row["cut"]) == (3, 4, 0)


def test_shares_of_a_join_go_both_ways(data):
    join = join_ids("items", "ratings", "films", {"a": 3, "b": 1}, ["a", "c", "d", "e"])
    facts = with_info(data, joins=(join,))
    (row,) = joins_table(facts).rows
    assert (row["ids"], row["rows"], row["back"]) == (0.5, 0.75, 0.25)
    assert row["examples"] == "b"
    assert joins_table(facts).columns[-1].title == "without a match"
    whole = join_ids("items", "ratings", "films", {"a": 3}, ["a", "c"])
    columns = joins_table(with_info(data, joins=(whole,))).columns
    assert "without a match" not in [column.title for column in columns]
