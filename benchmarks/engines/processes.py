"""Processes that run while something else does, each in a folder of its own."""

import contextlib
import os
import pathlib
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

_DEADLINE_S = 90.0
_PORTS = 20_000, 32_000  # Connections of Linux have those from 32768 on.


@contextlib.contextmanager
def running(
    command: Sequence[str], folder: pathlib.Path, **env: str
) -> Iterator[subprocess.Popen]:
    """Starts a process that writes into `log` of its folder; ends it afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **env}, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(is_ready: Callable[[], object], what: str) -> None:
    """Waits until something is true.

    Raises:
        TimeoutError: If it does not become so.
    """
    deadline = time.monotonic() + _DEADLINE_S
    while not is_ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not start in {_DEADLINE_S:.0f} s.")
        time.sleep(0.1)


def is_open(port: int) -> bool:
    """Says whether somebody listens at a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("localhost", port)) == 0


def free_port() -> int:
    """Returns a port that nobody uses now, nor gets for a connection of its own."""
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("", port))
            return port
