"""Load at half of what a server can take: the rate of the longer measurements."""

import dataclasses
from typing import Any

from pipeline.serving.bench.callers import Caller
from pipeline.serving.bench.load import Call, closed_loop, open_loop, summarise
from pipeline.serving.bench.options import Sizes
from pipeline.serving.bench.workload import Workload

_LOAD_FRACTION = 0.5
_DISTINCT_REQUESTS = 64
_PEAK_CONCURRENCY = 8


@dataclasses.dataclass(frozen=True)
class SteadyLoad:
    """Requests of `rank`, sent at a steady rate.

    Attributes:
        caller: Sends them.
        requests: Sent in turn.
        per_second: The rate.
    """

    caller: Caller
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


def half_of_peak(caller: Caller, workload: Workload, sizes: Sizes) -> SteadyLoad:
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
