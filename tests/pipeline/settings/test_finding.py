import types

from pipeline.settings.finding import (
    compare_protocols,
    id_joins,
    tasks_overlap,
    to_finding,
)
from transforms.joins import join_ids


def test_a_task_in_two_splits_is_a_leak():
    assert tasks_overlap({"a": ["x", "y"], "b": ["z"]}).verdict == "ok"
    found = tasks_overlap({"a": ["x", "y"], "b": ["y", "y"]})
    assert (found.verdict, found.detail[:10]) == ("LEAK", "2 of 4 tas")


def test_what_is_bad_is_counted_and_comes_with_its_cure():
    assert to_finding("pairs", 0, "7 pairs", "prepare again.") == (
        *("pairs", "ok", "none of 7 pairs"),
    )
    assert to_finding("pairs", 2, "7 pairs", "prepare again.") == (
        *("pairs", "LEAK", "2 of 7 pairs: prepare again."),
    )


def test_a_protocol_is_told_by_what_is_alike_and_what_is_not():
    text = compare_protocols([("10 pairs", 10, 10), ("20 pairs", 20, 5)])
    alike, different = text.split("Different: ")
    assert "10 pairs" in alike
    assert "20 pairs, here 5" in different
    assert compare_protocols([("20 pairs", 20, 5)]) == "Different: 20 pairs, here 5."


def test_each_join_of_ids_is_a_note_with_examples():
    join = join_ids("items", "clicks", "pools", {"07": 1, "8": 3}, {"7", "8"})
    (finding,) = id_joins(types.SimpleNamespace(joins=[join]))
    assert (finding.name, finding.verdict) == ("ids of tables", "note")
    assert finding.detail.count("items of clicks") == 1
    assert "3 of 4 rows" in finding.detail
    assert "'07'" in finding.detail
