"""Which combinations are measured, and with what."""

import dataclasses

from pipeline.serving.bench.grid import Cell, cells, measure
from pipeline.serving.bench.options import Sizes
from pipeline.serving.bench.workload import Workload

SIZES = Sizes(support=(0, 5), candidates=(10, 100), concurrency=(1, 8), seconds=0.02)


def test_only_sizes_that_matter_are_combined():
    found = cells(SIZES, {"rank", "score", "recommend", "encode", "explain"})
    count = {
        name: sum(c.signature == name for c in found) for name in ("rank", "score")
    }
    assert count == {"rank": 8, "score": 4}
    assert len(found) == 8 + 4 + 4 + 4
    assert Cell("rank", 5, 100, 8) in found
    assert Cell("score", None, 10, 1) in found
    assert Cell("recommend", 5, None, 1) in found
    assert Cell("encode", 0, None, 8) in found


def test_what_an_export_lacks_is_left_out():
    assert {c.signature for c in cells(SIZES, {"rank", "recommend"})} == {
        "rank",
        "recommend",
    }


def test_a_warm_up_is_sent_and_not_counted(version_dir, caller):
    workload = Workload(version_dir, caller, 0)
    longer = dataclasses.replace(SIZES, seconds=0.5)  # Or no call fits the warm-up.
    figures = measure(caller, workload, Cell("rank", 5, 10, 2), longer)
    assert 0 < figures.requests < len(caller.sent)
    assert figures.errors == 0


def test_a_context_is_made_of_the_largest_support_set(version_dir, caller):
    workload = Workload(version_dir, caller, 0)
    measure(caller, workload, Cell("score", None, 10, 1), SIZES)
    scored = [inputs for signature, inputs in caller.sent if signature == "score"]
    assert all(inputs["context"] == [[50.0]] for inputs in scored)
    assert all(len(inputs["query_item_id"][0]) == 10 for inputs in scored)
