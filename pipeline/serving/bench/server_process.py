"""The embedded server in a process of its own, so that it shares no lock with clients.

Run as a module it serves until its standard input ends.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import psutil

_MB = 2**20
_STOP_TIMEOUT_S = 30.0


class ServerProcessError(RuntimeError):
    """A server that ended before it served."""


class ServerProcess:
    """A server for as long as it is entered.

    Args:
        command: Starts a program that prints {"grpc": "host:port", "rest": "http://..."}
            as one line when it serves, and ends with its standard input.

    Attributes:
        addresses: By transport, once entered.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self.addresses: dict[str, str] = {}

    def __enter__(self) -> "ServerProcess":
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.__exit__()
            raise ServerProcessError(f"the server did not start: {self._reason}")
        self.addresses = json.loads(line)
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._process.communicate(timeout=_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        self._reason = lines[-1] if lines else f"status {self._process.returncode}"
        self._errors.close()

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def memory_mb(self) -> float:
        """Returns the resident memory of the process, in MB."""
        return float(psutil.Process(self._process.pid).memory_info().rss / _MB)


def embedded_server(
    model_name: str, base_path: pathlib.Path, version: int | None = None
) -> ServerProcess:
    """Returns the embedded server of a model, on free ports of this machine.

    Args:
        model_name: The name it is served under.
        base_path: Holds its numbered versions.
        version: The one that is served; None for the newest, also when it changes.
    """
    what = [model_name, str(base_path), *([] if version is None else [str(version)])]
    return ServerProcess([sys.executable, "-m", __name__, *what])


def main(argv: Sequence[str]) -> None:
    """Serves a version, or the newest, until the standard input ends."""
    from pipeline.serving.server.model_server import (
        ModelServer,
        ServedModelDirectory,
        ServerOptions,
    )

    model_name, base_path, *versions = argv
    directory = ServedModelDirectory(
        name=model_name,
        base_path=pathlib.Path(base_path),
        versions=tuple(map(int, versions)) or None,
    )
    server = ModelServer([directory], ServerOptions(grpc_port=0, rest_port=0))
    with server:
        addresses = {"grpc": server.grpc_address, "rest": server.rest_url}
        print(json.dumps(addresses), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
