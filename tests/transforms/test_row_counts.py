import json

import pytest

from transforms.row_counts import RowCounts, describe_times


def test_the_first_and_the_last_time_are_kept_in_whatever_order_they_come():
    counts = RowCounts(times=[3.0, 5.0])
    counts.merge(RowCounts(times=[7.0, 9.0]))
    counts.merge(RowCounts())
    counts.add_times([2.0, 4.0])
    assert counts.times == [2.0, 9.0]
    assert counts.describe() == "0 rows, 0 used, times from 2 to 9"


def test_a_first_time_of_zero_beside_dates_is_said_to_be_missing_usually():
    assert RowCounts(times=[0.0, 1e9]).describe_times() == (
        "from 0 (1970-01-01T00:00:00Z, usually of rows whose time is missing) to "
        "1000000000 (2001-09-09T01:46:40Z)"
    )
    assert RowCounts(times=[0.0, 9.0]).describe_times() == "from 0 to 9"


@pytest.mark.parametrize("times", [[], [2.0, 9.0]])
def test_times_are_written_where_there_are_some(times):
    fields = json.loads(json.dumps(RowCounts(times=times).to_fields()))
    assert fields.get("times", []) == times
    assert ("times" in fields) == bool(times)
    assert list(RowCounts.from_fields(fields).times) == times


def test_the_tables_that_have_times_are_named():
    tables = {"a.clicks": RowCounts(times=[2.0, 9.0]), "pools": RowCounts()}
    assert describe_times(tables) == "the times of a.clicks from 2 to 9"
    tables["b.clicks"] = RowCounts(times=[1.0, 1.0])
    assert describe_times(tables).endswith("from 2 to 9 and b.clicks from 1 to 1")
    assert describe_times({"pools": RowCounts()}) == ""
