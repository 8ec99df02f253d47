"""Whether a version is fast and small enough."""

import itertools
import pathlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from models.legacy_keras import tf
from pipeline.experiment.version_dir import PARITY, WARMUP, size_bytes
from pipeline.export.recorded_requests import read_requests
from pipeline.serving.validation.blessing import Rule
from transforms.plural import counted

_RANK = ("rank", "serving_default")
_NUM_CALLS = 300  # Three of them lie above the 99th percentile.
_PERCENTILE = 99.0
_MS_IN_S = 1e3
_BYTES_IN_MB = 1e6


def latency_rule(version_dir: pathlib.Path, max_p99_ms: float) -> Rule:
    """Checks how long `rank` takes in this process for the recorded requests."""
    recorded = [
        request
        for path in (WARMUP, PARITY)
        for request in read_requests(version_dir / path)
        if request.signature in _RANK
    ]
    if not recorded:
        detail = "no recorded request is one of rank"
        return Rule("latency", False, None, max_p99_ms, detail)
    loaded = tf.saved_model.load(str(version_dir))
    rank = loaded.signatures["rank"]
    requests = [
        {name: tf.constant(values) for name, values in request.inputs.items()}
        for request in recorded
    ]
    latency_ms = p99_ms(lambda inputs: rank(**inputs)["score"].numpy(), requests)
    detail = (
        f"p99 in ms of {_NUM_CALLS} calls of rank, "
        f"{counted(len(requests), 'recorded request')} in turn"
    )
    return Rule("latency", latency_ms <= max_p99_ms, latency_ms, max_p99_ms, detail)


def p99_ms(
    call: Callable[[Mapping[str, Any]], object],
    requests: Sequence[Mapping[str, Any]],
    *,
    num_calls: int = _NUM_CALLS,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Times a call, each request in turn, after one call of each that is not timed.

    Args:
        call: Answers a request.
        requests: At least one.
        num_calls: Calls that are timed.
        clock: Tells the seconds.

    Returns:
        The 99th percentile, in milliseconds.
    """
    for request in requests:
        call(request)
    turns: Iterable[Mapping[str, Any]] = itertools.cycle(requests)
    times_s = []
    for request in itertools.islice(turns, num_calls):
        start = clock()
        call(request)
        times_s.append(clock() - start)
    return float(np.percentile(times_s, _PERCENTILE)) * _MS_IN_S


def size_rule(version_dir: pathlib.Path, max_size_mb: float) -> Rule:
    """Checks how large a version is on disk."""
    size_mb = size_bytes(version_dir) / _BYTES_IN_MB
    return Rule("size", size_mb <= max_size_mb, size_mb, max_size_mb, "MB on disk")
