"""One bench from start to end: opens servers and callers, and measures."""

import contextlib
import os
import platform
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import read_manifest
from pipeline.serving.bench.callers import open_caller
from pipeline.serving.bench.fuzz import Fuzz, fuzz
from pipeline.serving.bench.grid import MEASURED, cells, measure
from pipeline.serving.bench.load import half_of_peak
from pipeline.serving.bench.options import GRPC, IN_PROCESS, REST, BenchOptions
from pipeline.serving.bench.reload import Reload, StartServer, reload_under_load
from pipeline.serving.bench.report import Bench, Measured
from pipeline.serving.bench.server_process import embedded_server
from pipeline.serving.bench.soak import Soak, soak
from pipeline.serving.bench.workload import Workload
from pipeline.serving.rest_client import ServingClient, ServingError
from transforms.schema import DataError


class Session:
    """Measures what its options ask for.

    Args:
        options: What to measure.
        start_server: Starts a server where there is no target.
    """

    def __init__(
        self, options: BenchOptions, start_server: StartServer = embedded_server
    ) -> None:
        self._options = options
        self._start_server = start_server
        manifest = read_manifest(options.version_dir)
        self._name = str(manifest.get("model_name", options.version_dir.parent.name))
        self._addresses: Mapping[str, str] = options.targets
        self._memory_mb: Callable[[], float] | None = None  # Unknown of a target.

    def run(self) -> Bench:
        """Measures, and returns all of it.

        Raises:
            DataError: If a target does not answer.
        """
        options = self._options
        grid: list[Measured] = []
        missing: set[str] = set()
        soaked = fuzzed = None
        with contextlib.ExitStack() as stack:
            callers = self._open(stack)
            if options.has_grid:
                for transport in options.transports:
                    grid += self._grid(transport, callers[transport])
                    missing |= set(MEASURED) - set(callers[transport].signatures())
            if options.soak_minutes:
                soaked = self._soak(callers[self._remote_transport])
            if options.fuzz:
                fuzzed = self._fuzz(callers)
        return Bench(
            about=self._about(),
            grid=grid,
            missing=sorted(missing),
            soak=soaked,
            reload=self._reload() if options.reload else None,
            fuzz=fuzzed,
        )

    def _open(self, stack: contextlib.ExitStack) -> dict[str, ServingClient]:
        """Opens a caller of each transport, and a server if there is no target.

        Raises:
            DataError: If one is not answered.
        """
        options = self._options
        if not (options.has_grid or options.soak_minutes or options.fuzz):
            return {}
        directory = options.version_dir
        if not options.targets and set(options.transports) != {IN_PROCESS}:
            server = stack.enter_context(
                self._start_server(self._name, directory.parent, int(directory.name))
            )
            self._addresses, self._memory_mb = server.addresses, server.memory_mb
        callers = {}
        in_process = {IN_PROCESS: ""} if IN_PROCESS in options.transports else {}
        for transport, address in sorted({**self._addresses, **in_process}.items()):
            caller = open_caller(transport, directory, self._name, address)
            stack.callback(caller.close)
            try:
                caller.signatures()
            except ServingError as error:
                raise DataError(f"{address} answers {error}") from None
            callers[transport] = caller
        return callers

    def _grid(self, transport: str, caller: ServingClient) -> list[Measured]:
        rows = []
        sizes = self._options.sizes
        for cell in cells(sizes, caller.signatures()):
            say(f"bench: {transport}, {cell}")
            calls = measure(caller, self._workload(caller), cell, sizes)
            rows.append(Measured(transport, cell, calls))
        return rows

    def _soak(self, caller: ServingClient) -> Soak:
        minutes = self._options.soak_minutes
        load = half_of_peak(caller, self._workload(caller), self._options.sizes)
        say(f"bench: soak of {minutes:g} min")
        return soak(load, minutes, self._memory_mb)

    def _fuzz(self, callers: Mapping[str, ServingClient]) -> Fuzz:
        say(f"bench: {self._options.fuzz} malformed requests over each transport")
        clients = {name: callers[name] for name in sorted(self._addresses)}
        return fuzz(
            self._options.fuzz,
            self._options.seed,
            self._workload(next(iter(clients.values()))),
            clients,
            addresses=self._addresses,
            memory_mb=self._memory_mb,
        )

    def _reload(self) -> Reload:
        say("bench: reload under load")
        return reload_under_load(
            self._options.version_dir,
            self._name,
            self._remote_transport,
            self._options.sizes,
            seed=self._options.seed,
            start_server=self._start_server,
        )

    def _workload(self, caller: ServingClient) -> Workload:
        return Workload(self._options.version_dir, caller, self._options.seed)

    @property
    def _remote_transport(self) -> str:
        """The transport of a load on a server: gRPC, unless it is left out."""
        return GRPC if GRPC in self._options.transports else REST

    def _about(self) -> dict[str, Any]:
        return {
            "model": self._name,
            "version": self._options.version_dir.name,
            "server": ", ".join(self._options.targets.values())
            or "embedded, in its own process",
            "clients": "threads of one process, requests made beforehand",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "tensorflow": metadata.version("tensorflow"),
            "grpcio": metadata.version("grpcio"),
        }
