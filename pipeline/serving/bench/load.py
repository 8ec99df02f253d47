"""Load on a model from threads of this process, and what came of every request.

Threads are enough: one waits while its request is under way, and the requests are made
beforehand. The figures hold what a client in Python sees, its decoding of the answer
included.
"""

import concurrent.futures
import dataclasses
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from pipeline.serving.bench.options import Sizes
from pipeline.serving.bench.workload import Workload
from pipeline.serving.rest_client import ServingClient, ServingError

OK = "OK"
_TIMEOUT_S = 30.0

# Of the longer measurements.
_LOAD_FRACTION = 0.5
_DISTINCT_REQUESTS = 64
_PEAK_CONCURRENCY = 8

# Sends a request that was made beforehand, within some seconds.
Send: TypeAlias = Callable[[Any, float], object]


@dataclasses.dataclass(frozen=True)
class Call:
    """One request and what came of it.

    Attributes:
        started_s: When it was due, in seconds since the load began.
        latency_ms: From then to its answer.
        code: "OK", or the code of the error.
    """

    started_s: float
    latency_ms: float
    code: str


@dataclasses.dataclass(frozen=True)
class Summary:
    """What many calls come to.

    Attributes:
        requests: How many there were.
        errors: Those not answered OK.
        p50_ms: Median latency of those answered OK; NaN if none was.
        p90_ms: Their 90 % quantile.
        p99_ms: Their 99 % quantile.
        per_second: Those answered OK by second.
    """

    requests: int
    errors: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    per_second: float


def closed_loop(
    send: Send, requests: Sequence[Any], *, concurrency: int, seconds: float
) -> list[Call]:
    """Has each of some threads send its next request when the last is answered.

    Args:
        send: Sends one.
        requests: Sent in turn, over and over.
        concurrency: Threads.
        seconds: After which no thread sends another.

    Returns:
        The calls by their start.
    """
    turns = itertools.cycle(requests)
    began = time.perf_counter()

    def keep_sending() -> list[Call]:
        calls = []
        while (due := time.perf_counter()) - began < seconds:
            calls.append(_call(send, next(turns), began, due))
        return calls

    return _in_threads(keep_sending, concurrency)


def open_loop(
    send: Send,
    requests: Sequence[Any],
    *,
    per_second: float,
    seconds: float,
    threads: int = 16,
) -> list[Call]:
    """Sends requests at a steady rate, however long the answers take.

    The latency counts from when a request was due: one that waits for a thread because
    the server is slow has waited as its user would.

    Args:
        send: Sends one.
        requests: Sent in turn, over and over.
        per_second: The rate.
        seconds: For how long.
        threads: Most requests under way.

    Returns:
        The calls by their start.
    """
    turns = itertools.cycle(requests)
    ticks = iter(range(max(1, round(per_second * seconds))))
    began = time.perf_counter()

    def keep_sending() -> list[Call]:
        calls = []
        for tick in ticks:
            due = began + tick / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
            calls.append(_call(send, next(turns), began, due))
        return calls

    return _in_threads(keep_sending, threads)


def summarise(calls: Sequence[Call]) -> Summary:
    """Returns quantiles and rate of calls."""
    good = [call for call in calls if call.code == OK]
    latencies = np.array([call.latency_ms for call in good])
    quantiles = np.percentile(latencies, [50, 90, 99]) if good else [np.nan] * 3
    p50, p90, p99 = (float(value) for value in quantiles)
    ends = [call.started_s + call.latency_ms / 1000 for call in good]
    took = max(ends) - min(call.started_s for call in calls) if good else 1.0
    return Summary(len(calls), len(calls) - len(good), p50, p90, p99, len(good) / took)


def _call(send: Send, request: Any, began: float, due: float) -> Call:
    code = OK
    try:
        send(request, _TIMEOUT_S)
    except ServingError as error:
        code = error.code
    latency_ms = 1000 * (time.perf_counter() - due)
    return Call(due - began, latency_ms, code)


def _in_threads(work: Callable[[], list[Call]], threads: int) -> list[Call]:
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        done = [pool.submit(work) for _ in range(threads)]
        calls = [call for future in done for call in future.result()]
    return sorted(calls, key=lambda call: call.started_s)


@dataclasses.dataclass(frozen=True)
class SteadyLoad:
    """Requests of `rank`, sent at a steady rate.

    Attributes:
        caller: Sends them.
        requests: Sent in turn.
        per_second: The rate.
    """

    caller: ServingClient
    requests: list[Any]
    per_second: float

    def run(self, seconds: float) -> list[Call]:
        """Sends for some seconds."""
        return open_loop(
            self.caller.send,
            self.requests,
            per_second=self.per_second,
            seconds=seconds,
        )


def half_of_peak(caller: ServingClient, workload: Workload, sizes: Sizes) -> SteadyLoad:
    """Measures the peak rate of `rank` in a closed loop, and returns half of it.

    Support sets are the largest of the sizes, candidates those in the middle.

    Raises:
        RuntimeError: If no request was answered.
    """
    candidates = sorted(sizes.candidates)[len(sizes.candidates) // 2]
    requests = workload.requests(
        "rank", _DISTINCT_REQUESTS, support=max(sizes.support), candidates=candidates
    )
    peak = summarise(
        closed_loop(
            caller.send,
            requests,
            concurrency=_PEAK_CONCURRENCY,
            seconds=sizes.seconds,
        )
    )
    if peak.requests == peak.errors:
        raise RuntimeError(f"none of {peak.requests} requests was answered.")
    return SteadyLoad(caller, requests, _LOAD_FRACTION * peak.per_second)
