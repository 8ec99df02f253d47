import json

import numpy as np

from models.serving.task_request import RecordedRequest
from pipeline.reports.run.latency import (
    Latency,
    measure_latency,
    read_bench,
    recorded_requests,
)


def bench(path, version):
    cell = {"signature": "rank", "support": 5, "candidates": 10, "concurrency": 8}
    calls = {"p50_ms": 1.5, "p90_ms": 2.5}
    rows = [
        {"transport": "grpc", "cell": cell, "calls": calls},
        {"transport": "rest", "cell": cell, "calls": {"p50_ms": None, "p90_ms": None}},
    ]
    path.write_text(json.dumps({"about": {"version": version}, "grid": rows}))
    return path


def test_a_bench_of_the_version_is_read_but_for_what_was_not_answered(tmp_path):
    assert read_bench(bench(tmp_path / "bench.json", "7"), "7") == [
        Latency("grpc, 8 at once", "rank", 1, 5, 10, 1.5, 2.5)
    ]


def test_a_bench_of_another_version_does_not_count(tmp_path):
    assert read_bench(bench(tmp_path / "bench.json", "6"), "7") == []
    assert read_bench(tmp_path / "none.json", "7") == []


def test_a_version_without_recorded_requests_is_not_asked(tmp_path):
    assert recorded_requests(tmp_path) == []


def test_requests_alike_are_one_row_and_an_alias_is_none():
    asked = []
    support = np.zeros([1, 5], np.int32)

    def request(signature, num_candidates):
        query = np.zeros([1, num_candidates], np.int32)
        inputs = {"support_item_id": support, "query_item_id": query}
        return RecordedRequest(signature, inputs, {})

    requests = [request("rank", 9), request("rank", 9), request("rank", 4)]
    rows = measure_latency(
        [*requests, request("serving_default", 9)], {"rank": asked.append}
    )
    assert [(row.support, row.candidates) for row in rows] == [(5, 9), (5, 4)]
    assert all(0.0 < row.p50_ms <= row.p90_ms for row in rows)
    assert len(asked) % len(requests) == 0
