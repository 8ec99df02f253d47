"""Loops and quantiles, with requests that take a known time."""

import itertools
import math
import threading
import time

import pytest

from pipeline.serving.bench.load import Call, closed_loop, open_loop, summarise
from pipeline.serving.rest_client import ServingError


def call(started_s=0.0, latency_ms=1.0, code="OK"):
    return Call(started_s, latency_ms, code)


def test_quantiles_leave_out_what_failed():
    calls = [call(latency_ms=ms) for ms in range(101)] + [
        call(latency_ms=1e6, code="X")
    ]
    figures = summarise(calls)
    assert (figures.requests, figures.errors) == (102, 1)
    assert (figures.p50_ms, figures.p90_ms, figures.p99_ms) == (50.0, 90.0, 99.0)


def test_the_rate_is_counted_to_the_last_answer():
    # Answers at 0.5 and 4 seconds after the first start: two in four seconds.
    figures = summarise([call(1.0, 500.0), call(2.0, 3000.0)])
    assert figures.per_second == pytest.approx(0.5)


def test_calls_that_all_failed_have_no_latency():
    figures = summarise([call(code="UNAVAILABLE")] * 3)
    assert (figures.errors, figures.per_second) == (3, 0.0)
    assert math.isnan(figures.p50_ms)
    assert summarise([]).requests == 0


def test_a_closed_loop_sends_in_turn_and_never_more_than_its_threads_at_once():
    lock, under_way, most, sent = threading.Lock(), 0, 0, []

    def send(request, timeout_s):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
            sent.append(request)
        time.sleep(0.002)
        with lock:
            under_way -= 1

    calls = closed_loop(send, ["a", "b", "c"], concurrency=3, seconds=0.1)
    assert len(calls) == len(sent) > 3
    assert most == 3
    counts = [sent.count(request) for request in "abc"]
    assert max(counts) - min(counts) <= 1
    assert all(c.latency_ms >= 2.0 for c in calls)
    assert [c.started_s for c in calls] == sorted(c.started_s for c in calls)


def test_errors_are_kept_by_code_and_the_loop_goes_on():
    numbers = itertools.count()

    def send(request, timeout_s):
        if next(numbers) % 2:
            raise ServingError("UNAVAILABLE", "full")

    calls = closed_loop(send, ["a"], concurrency=1, seconds=0.02)
    assert {c.code for c in calls} == {"OK", "UNAVAILABLE"}
    assert abs(summarise(calls).errors - len(calls) / 2) <= 1


def test_a_bug_is_not_counted_as_an_error():
    def send(request, timeout_s):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        closed_loop(send, ["a"], concurrency=1, seconds=0.02)


def test_an_open_loop_sends_as_many_as_its_rate_makes_due():
    calls = open_loop(lambda r, t: None, ["a"], per_second=200, seconds=0.1)
    assert len(calls) == 20
    assert [c.started_s for c in calls] == pytest.approx([i / 200 for i in range(20)])


def test_an_open_loop_counts_the_wait_of_requests_that_are_late():
    # One thread, a request every 10 ms, each takes 30 ms: the third, due at 20 ms, is
    # sent at 60 ms and answered at 90 ms, so it took 70 ms for its user.
    calls = open_loop(
        lambda r, t: time.sleep(0.03), ["a"], per_second=100, seconds=0.03, threads=1
    )
    assert len(calls) == 3
    assert calls[2].started_s == pytest.approx(0.02)
    assert calls[2].latency_ms >= 70.0
