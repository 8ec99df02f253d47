"""A new version published under load: does a request fail, does latency suffer?"""

import concurrent.futures
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.serving.bench.callers import open_caller
from pipeline.serving.bench.load import Call, SteadyLoad, half_of_peak, summarise
from pipeline.serving.bench.options import Sizes
from pipeline.serving.bench.server_process import ServerProcess
from pipeline.serving.bench.workload import Workload
from pipeline.serving.rest_client import RestClient, ServingClient

_PIECE_S = 0.5
_POLL_S = 0.02
_LOAD_TIMEOUT_S = 120.0
_TOLERANCE = 1e-5

# Starts a server of a version under a base path; None for the newest, whichever it is.
StartServer = Callable[[str, pathlib.Path, int | None], ServerProcess]


class ReloadError(RuntimeError):
    """A server that does not take a new version."""


@dataclasses.dataclass(frozen=True)
class Phase:
    """The calls before, during or after a reload."""

    name: str
    requests: int
    errors: int
    p50_ms: float
    p99_ms: float


@dataclasses.dataclass(frozen=True)
class Reload:
    """What a reload came to.

    Attributes:
        per_second: Requests sent by second.
        phases: Before, during and after it.
        took_s: From the rename of the directory until the new version was available
            and the old one gone.
        answers_agree: Whether the copy scores a request as the first version did.
    """

    per_second: float
    phases: list[Phase]
    took_s: float
    answers_agree: bool

    @property
    def errors(self) -> int:
        """Requests not answered OK, in all phases."""
        return sum(phase.errors for phase in self.phases)


def reload_under_load(
    version_dir: pathlib.Path,
    model_name: str,
    transport: str,
    sizes: Sizes,
    *,
    seed: int,
    start_server: StartServer,
) -> Reload:
    """Publishes a copy of a version, one number higher, while requests come.

    Everything happens in a temporary folder; the version itself is only read.

    Args:
        version_dir: The version; its name is its number.
        model_name: Name on the server.
        transport: "grpc" or "rest".
        sizes: Of the requests; `seconds` is the length of the time before and after.
        seed: Of the requests.
        start_server: Starts a server that watches a base path.

    Raises:
        ReloadError: If the copy is not served within two minutes.
    """
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder) / model_name
        shutil.copytree(version_dir, base / version_dir.name)
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(start_server(model_name, base, None))
            addresses = server.addresses
            caller = open_caller(
                transport, version_dir, model_name, addresses[transport]
            )
            stack.callback(caller.close)
            status = stack.enter_context(RestClient(addresses["rest"], model_name))
            load = half_of_peak(caller, Workload(version_dir, caller, seed), sizes)
            version = int(version_dir.name) + 1
            publish = functools.partial(_publish, version_dir, base, version, status)
            return _swap(caller, load, sizes.seconds, publish)


def _swap(
    caller: ServingClient,
    load: SteadyLoad,
    seconds: float,
    publish: Callable[[], float],
) -> Reload:
    """Keeps the load up before, during and after a version is published."""
    fixed = load.requests[0]
    first = caller.send(fixed, _LOAD_TIMEOUT_S)["score"]
    before = load.run(seconds)
    during: list[Call] = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        published = pool.submit(publish)
        while not (during and published.done()):  # A quick server is asked as well.
            during += load.run(_PIECE_S)
        took_s = published.result()
    after = load.run(seconds)
    last = caller.send(fixed, _LOAD_TIMEOUT_S)["score"]
    phases = {"before": before, "during": during, "after": after}
    return Reload(
        per_second=load.per_second,
        phases=[_phase(name, calls) for name, calls in phases.items()],
        took_s=took_s,
        answers_agree=bool(np.allclose(first, last, atol=_TOLERANCE)),
    )


def _phase(name: str, calls: Sequence[Call]) -> Phase:
    figures = summarise(calls)
    return Phase(name, figures.requests, figures.errors, figures.p50_ms, figures.p99_ms)


def _publish(
    version_dir: pathlib.Path, base: pathlib.Path, version: int, status: RestClient
) -> float:
    """Makes a copy visible in one step, and returns the seconds until it serves."""
    staging = base / f".staging-{version}"
    shutil.copytree(version_dir, staging)
    began = time.monotonic()
    os.replace(staging, base / str(version))
    while time.monotonic() - began < _LOAD_TIMEOUT_S:
        if _available(status) == {version}:
            return time.monotonic() - began
        time.sleep(_POLL_S)
    raise ReloadError(
        f"version {version} must be served alone within {_LOAD_TIMEOUT_S:g} s, "
        f"available are {sorted(_available(status))}."
    )


def _available(status: RestClient) -> set[int]:
    """Returns the versions that the server has available."""
    _, text = status.exchange("GET", status.path, None, _LOAD_TIMEOUT_S)
    return {
        int(version["version"])
        for version in json.loads(text)["model_version_status"]
        if version["state"] == "AVAILABLE"
    }
