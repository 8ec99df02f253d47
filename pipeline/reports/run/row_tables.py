"""Tables of the report: what became of the rows of each table, and how ids match."""

from __future__ import annotations

from pipeline.reports.page.result_table import Column, ResultTable
from pipeline.settings.data_facts import DataFacts

_COUNT = "{:,}".format
_SHARE = "{:.1%}".format


def rows_table(data: DataFacts) -> ResultTable:
    """Returns what became of the rows of each table: the last columns add up to all."""
    columns = [
        Column("table", "table"),
        Column("read", "rows", _COUNT),
        Column("used", "used", _COUNT),
        Column("left_out", "left out", _COUNT),
        Column("refused", "refused", _COUNT),
        Column("unreadable", "values of features that cannot be read", _COUNT),
        Column("cut", "rows with more values than are kept", _COUNT),
    ]
    rows = [
        {
            "table": name,
            "read": counts.read,
            "used": counts.used,
            "left_out": counts.left_out.total(),
            "refused": counts.refused.total(),
            "unreadable": counts.unreadable.total(),
            "cut": counts.cut.total(),
        }
        for name, counts in data.info.tables.items()
    ]
    return ResultTable("rows", "rows of each table", "", columns, rows)


def joins_table(data: DataFacts) -> ResultTable:
    """Returns how many ids of each table are found in another one."""
    columns = [
        Column("of", "ids of"),
        Column("left", "looked up from"),
        Column("right", "in"),
        Column("ids", "ids found", _SHARE),
        Column("rows", "rows with a match", _SHARE),
        Column("back", "ids there that are looked up", _SHARE),
        Column("examples", "without a match"),
    ]
    rows = [
        {
            "of": join.ids,
            "left": join.left,
            "right": "the same, in another form" if join.is_within else join.right,
            "ids": join.num_both / max(join.num_left, 1),
            "rows": 1.0 - join.unmatched_fraction,
            "back": join.num_both / max(join.num_right, 1),
            "examples": ", ".join(join.left_examples),
        }
        for join in data.info.joins
    ]
    return ResultTable("joins", "how ids match", "", columns, rows)
