import dataclasses
from collections import Counter

from pipeline.reports.run.row_tables import joins_table, rows_table
from transforms.joins import join_ids
from transforms.row_counts import RowCounts


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
