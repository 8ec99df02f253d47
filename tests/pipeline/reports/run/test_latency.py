import json

from pipeline.reports.run.latency import Latency, measure_latency, read_bench


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
    assert measure_latency(tmp_path) == []
