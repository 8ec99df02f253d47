"""One bench from start to end: opens servers and callers, and measures."""

import contextlib
import os
import platform
from importlib import metadata
from typing import Any

from pipeline.experiment.progress import say
from pipeline.experiment.version_dir import read_manifest
from pipeline.serving.bench.callers import Caller, open_caller
from pipeline.serving.bench.fuzz import Fuzz, fuzz
from pipeline.serving.bench.grid import MEASURED, cells, measure
from pipeline.serving.bench.options import GRPC, IN_PROCESS, REST, BenchOptions
from pipeline.serving.bench.reload import Reload, StartServer, reload_under_load
from pipeline.serving.bench.report import Bench, Measured
from pipeline.serving.bench.server_process import ServerProcess, embedded_server
from pipeline.serving.bench.soak import Soak, soak
from pipeline.serving.bench.steady_load import half_of_peak
from pipeline.serving.bench.workload import Workload
from pipeline.serving.rest_client import ServingError
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

    def run(self) -> Bench:
        """Measures, and returns all of it.

        Raises:
            DataError: If a target does not answer.
        """
        options = self._options
        grid: list[Measured] = []
        missing: list[str] = []
        if options.has_grid:
            grid, missing = self._measure_grid()
        return Bench(
            about=self._about(),
            grid=grid,
            missing=missing,
            soak=self._soak() if options.soak_minutes else None,
            reload=self._reload() if options.reload else None,
            fuzz=self._fuzz() if options.fuzz else None,
        )

    def _measure_grid(self) -> tuple[list[Measured], list[str]]:
        rows: list[Measured] = []
        missing: set[str] = set()
        for transport in self._options.transports:
            with contextlib.ExitStack() as stack:
                caller, workload, _ = self._open(stack, transport)
                signatures = caller.signatures()
                missing |= set(MEASURED) - set(signatures)
                for cell in cells(self._options.sizes, signatures):
                    say(f"bench: {transport}, {cell}")
                    calls = measure(caller, workload, cell, self._options.sizes)
                    rows.append(Measured(transport, cell, calls))
        return rows, sorted(missing)

    def _soak(self) -> Soak:
        with contextlib.ExitStack() as stack:
            caller, workload, server = self._open(stack, self._remote_transport)
            load = half_of_peak(caller, workload, self._options.sizes)
            say(f"bench: soak of {self._options.soak_minutes:g} min")
            memory_mb = server.memory_mb if server else None
            return soak(load, self._options.soak_minutes, memory_mb)

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

    def _fuzz(self) -> Fuzz:
        say(f"bench: {self._options.fuzz} malformed requests over each transport")
        with contextlib.ExitStack() as stack:
            addresses, server = self._addresses(stack)
            clients = {
                transport: self._caller(stack, transport, address)
                for transport, address in sorted(addresses.items())
            }
            some = next(iter(clients.values()))
            workload = Workload(self._options.version_dir, some, self._options.seed)
            return fuzz(
                self._options.fuzz,
                self._options.seed,
                workload,
                clients,
                addresses=addresses,
                memory_mb=server.memory_mb if server else None,
            )

    @property
    def _remote_transport(self) -> str:
        """The transport of a load on a server: gRPC, unless it is left out."""
        return GRPC if GRPC in self._options.transports else REST

    def _open(
        self, stack: contextlib.ExitStack, transport: str
    ) -> tuple[Caller, Workload, ServerProcess | None]:
        """Opens a caller, and a server if it needs one and has no target."""
        address, server = "", None
        if transport != IN_PROCESS:
            addresses, server = self._addresses(stack)
            address = addresses[transport]
        caller = self._caller(stack, transport, address)
        workload = Workload(self._options.version_dir, caller, self._options.seed)
        return caller, workload, server

    def _addresses(
        self, stack: contextlib.ExitStack
    ) -> tuple[dict[str, str], ServerProcess | None]:
        """Returns the addresses of the targets, or those of a server that it starts."""
        if self._options.targets:
            return self._options.targets, None
        directory = self._options.version_dir
        server = stack.enter_context(
            self._start_server(self._name, directory.parent, int(directory.name))
        )
        return server.addresses, server

    def _caller(
        self, stack: contextlib.ExitStack, transport: str, address: str
    ) -> Caller:
        """Opens a caller, and makes sure that it is answered.

        Raises:
            DataError: If not.
        """
        caller = open_caller(transport, self._options.version_dir, self._name, address)
        stack.callback(caller.close)
        try:
            caller.signatures()
        except ServingError as error:
            raise DataError(f"{address} answers {error}") from None
        return caller

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
