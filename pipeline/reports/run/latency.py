"""How long the export of a run takes to answer, here or in a bench of it."""

import dataclasses
import pathlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.serving.task_request import RecordedRequest
from models.whole_files import read_json
from pipeline.experiment.version_dir import WARMUP
from pipeline.export.recorded_requests import read_requests
from transforms.schema import DataError

# From the inputs of a signature to its outputs, arrays by name.
Call: TypeAlias = Callable[[Mapping[str, NDArray]], Any]

_TIMED = ("rank", "score", "recommend", "encode")  # Those that `cmml bench` times.
_NUM_CALLS = 15
_NUM_WARM_UP = 3
_MAX_REQUESTS = 5  # Of a signature.
_SUPPORT, _CANDIDATES = "support_item_id", ("query_item_id", "candidate_item_id")


@dataclasses.dataclass(frozen=True)
class Latency:
    """What requests of one kind take.

    Attributes:
        where: How it was asked, such as "here" or "grpc, 8 at once".
        signature: Name of the signature.
        tasks: Tasks in the request.
        support: Support pairs of each, padding included; None if it takes none.
        candidates: Items to score of each; None if it takes none.
        p50_ms: Median.
        p90_ms: 90th percentile.
    """

    where: str
    signature: str
    tasks: int
    support: int | None
    candidates: int | None
    p50_ms: float
    p90_ms: float


class _Kind(NamedTuple):
    """What requests are told apart by; names are those of `Latency`."""

    signature: str
    tasks: int
    support: int | None
    candidates: int | None


def recorded_requests(version_dir: pathlib.Path) -> list[RecordedRequest]:
    """Returns the requests that a version records for a server's warm-up, if any."""
    try:
        return read_requests(version_dir / WARMUP)
    except DataError:  # An earlier version, that has none.
        return []


def measure_latency(
    requests: Sequence[RecordedRequest], signatures: Mapping[str, Call]
) -> list[Latency]:
    """Asks a loaded version some of its recorded requests, each several times.

    Signatures that a bench leaves out are left out here too.

    Args:
        requests: The requests.
        signatures: The signatures of the version, by name.
    """
    taken: dict[_Kind, list[float]] = {}
    for name in _TIMED:
        of_name = [request for request in requests if request.signature == name]
        step = max(1, -(-len(of_name) // _MAX_REQUESTS))
        for request in of_name[::step]:
            times = _measure(request, signatures[name])
            taken.setdefault(_kind(request), []).extend(times)
    rows = [_latency(kind, times) for kind, times in taken.items()]
    return sorted(rows, key=lambda each: (each.signature, each.support or 0))


def read_bench(path: pathlib.Path, version: str) -> list[Latency]:
    """Reads what `cmml bench` measured of a version.

    Args:
        path: `bench.json`; it need not be there.
        version: The version.

    Returns:
        The times; none if they are of another version.
    """
    if not path.is_file():
        return []
    bench = read_json(path)
    if bench["about"]["version"] != version:
        return []
    return [
        Latency(
            where=f"{row['transport']}, {row['cell']['concurrency']} at once",
            signature=row["cell"]["signature"],
            tasks=1,
            support=row["cell"]["support"],
            candidates=row["cell"]["candidates"],
            p50_ms=row["calls"]["p50_ms"],
            p90_ms=row["calls"]["p90_ms"],
        )
        for row in bench.get("grid", [])
        if row["calls"]["p50_ms"] is not None
    ]


def _kind(request: RecordedRequest) -> _Kind:
    return _Kind(
        request.signature,
        len(next(iter(request.inputs.values()))),
        _width(request, (_SUPPORT,)),
        _width(request, _CANDIDATES),
    )


def _latency(kind: _Kind, times: Sequence[float]) -> Latency:
    p50, p90 = np.quantile(np.array(times) * 1000.0, [0.5, 0.9])
    return Latency("here", *kind, p50_ms=float(p50), p90_ms=float(p90))


def _measure(request: RecordedRequest, call: Call) -> list[float]:
    """Returns the seconds of each call after the first ones."""
    taken = []
    for _ in range(_NUM_WARM_UP + _NUM_CALLS):
        start = time.perf_counter()
        call(request.inputs)
        taken.append(time.perf_counter() - start)
    return taken[_NUM_WARM_UP:]


def _width(request: RecordedRequest, names: Sequence[str]) -> int | None:
    for name in names:
        if name in request.inputs and request.inputs[name].ndim > 1:
            return int(request.inputs[name].shape[1])
    return None
