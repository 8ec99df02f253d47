"""Latency and throughput by signature, size and concurrency."""

import dataclasses
from collections.abc import Collection

from pipeline.serving.bench.load import Summary, closed_loop, summarise
from pipeline.serving.bench.options import Sizes
from pipeline.serving.bench.workload import Workload
from pipeline.serving.rest_client import ServingClient

# Adaptation and scoring, scoring alone, the whole catalogue, adaptation alone.
MEASURED = ("rank", "score", "recommend", "encode")
_DISTINCT_REQUESTS = 16
_WARM_UP_FRACTION = 0.2


@dataclasses.dataclass(frozen=True)
class Cell:
    """One combination; None where a size does not matter to the signature."""

    signature: str
    support: int | None
    candidates: int | None
    concurrency: int

    def __str__(self) -> str:
        return (
            f"{self.signature}, support {size(self.support)}, "
            f"candidates {size(self.candidates)}, {self.concurrency} at once"
        )


def cells(sizes: Sizes, signatures: Collection[str]) -> list[Cell]:
    """Returns the combinations for the signatures that there are.

    The cost of `score` does not hang on the support set, nor that of `recommend` and
    `encode` on candidates.
    """
    return [
        Cell(signature, support, candidates, concurrency)
        for signature in MEASURED
        if signature in signatures
        for support in ([None] if signature == "score" else sizes.support)
        for candidates in (
            [None] if signature in ("recommend", "encode") else sizes.candidates
        )
        for concurrency in sizes.concurrency
    ]


def size(value: int | None) -> str:
    """Writes a size that may not matter."""
    return "any" if value is None else str(value)


def measure(
    caller: ServingClient, workload: Workload, cell: Cell, sizes: Sizes
) -> Summary:
    """Measures one combination in a closed loop, after a warm-up that is not counted.

    Args:
        caller: Sends the requests.
        workload: Makes them.
        cell: The combination.
        sizes: How long, and the largest support where it does not matter.
    """
    requests = workload.requests(
        cell.signature,
        _DISTINCT_REQUESTS,
        support=max(sizes.support) if cell.support is None else cell.support,
        candidates=cell.candidates or 0,
    )
    for seconds in (_WARM_UP_FRACTION * sizes.seconds, sizes.seconds):
        calls = closed_loop(
            caller.send, requests, concurrency=cell.concurrency, seconds=seconds
        )
    return summarise(calls)
