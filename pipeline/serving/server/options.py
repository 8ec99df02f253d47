"""The options of a model server: its models and its limits."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping

from pipeline.experiment.version_dir import SAVED_MODEL, is_version
from pipeline.serving.server.access import TlsFiles, Token
from transforms.schema import DataError

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_COUNTS = (
    "max_request_bytes",
    "max_connections",
    "queue_size",
    "max_batch_size",
    "num_workers",
)
MAX_VERSION = 2**63 - 1


class ServerError(DataError):
    """A model server that cannot do what its options require."""


@dataclasses.dataclass(frozen=True)
class ServedModelDirectory:
    """Where the versions of a model are, and which of them are served.

    Attributes:
        name: What clients call the model.
        base_path: Holds a directory for each version, named by its number.
        versions: The versions to serve; None for the newest.
        num_newest: How many of the newest, where `versions` is None; None for all.
        labels: Version of each label, such as "stable".
    """

    name: str
    base_path: pathlib.Path
    versions: tuple[int, ...] | None = None
    num_newest: int | None = 1
    labels: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def find(self) -> dict[int, pathlib.Path]:
        """Lists the complete versions on the disk, oldest first.

        `saved_model.pb` makes a version complete: whoever copies one writes it last.

        Raises:
            OSError: If the base path cannot be read.
        """
        versions = {
            int(path.name): path
            for path in sorted(self.base_path.iterdir())
            if is_version(path)
            and int(path.name) <= MAX_VERSION
            and (path / SAVED_MODEL).is_file()
        }
        return dict(sorted(versions.items()))

    def select(self, present: Mapping[int, pathlib.Path]) -> dict[int, pathlib.Path]:
        """Picks the versions to serve of those present, newest first."""
        numbers = sorted(present, reverse=True)
        if self.versions is not None:
            numbers = [number for number in numbers if number in self.versions]
        elif self.num_newest is not None:
            numbers = numbers[: self.num_newest]
        return {number: present[number] for number in numbers}


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """Where a model server listens, and how much it takes on.

    Attributes:
        host: Address to listen at; anything but loopback is open to the network.
        grpc_port: Port of gRPC; 0 for a free one.
        rest_port: Port of REST, of the metrics and of the page; 0 for a free one.
        max_request_bytes: Larger requests are refused.
        max_connections: Connections that may be open to each port, and calls of gRPC
            under way; more are refused.
        idle_timeout_s: A connection on which no request has come for so many seconds
            is closed, also if it has begun one; of gRPC after ten times as many.
        deadline_s: Most seconds for a request to come, to be answered, and for its
            answer to be taken, each; a gRPC client may ask for less.
        queue_size: Requests that may wait; more are refused.
        max_batch_size: Most tasks that are run at once.
        batch_timeout_s: How long a request waits for others to be run with. With 0
            none waits: a batch is what came in while the workers were busy.
        num_workers: Batches that are run side by side, each on several threads. Half as
            many as cores by default: larger batches are worth more than more of them.
        poll_s: Seconds between two looks at the disk.
        drain_s: Most seconds for the requests in flight when the server stops.
        allow_reload: Whether HandleReloadConfigRequest is taken at an address that is
            not loopback.
        allow_unauthenticated: Whether to listen there without a token.
        token: What clients must have.
        tls: Certificate and key of both ports; None for plain text.

    Raises:
        ServerError: If a value is out of range.
    """

    host: str = "127.0.0.1"
    grpc_port: int = 8500
    rest_port: int = 8501
    max_request_bytes: int = 4 * 2**20
    max_connections: int = 512
    idle_timeout_s: float = 30.0
    deadline_s: float = 10.0
    queue_size: int = 256
    max_batch_size: int = 64
    batch_timeout_s: float = 0.0
    num_workers: int = max(1, (os.cpu_count() or 1) // 2)
    poll_s: float = 1.0
    drain_s: float = 10.0
    allow_reload: bool = False
    allow_unauthenticated: bool = False
    token: Token = Token()
    tls: TlsFiles | None = None

    def __post_init__(self) -> None:
        for name in ("grpc_port", "rest_port"):
            if not 0 <= getattr(self, name) < 2**16:
                self._refuse(name, "within [0, 65535]")
        if self.grpc_port == self.rest_port != 0:
            self._refuse("rest_port", "another port than port")
        for name in _COUNTS:
            if getattr(self, name) < 1:
                self._refuse(name, "at least 1")
        for name in ("deadline_s", "idle_timeout_s", "poll_s"):
            if not getattr(self, name) > 0:
                self._refuse(name, "above 0")
        for name in ("batch_timeout_s", "drain_s"):
            if not getattr(self, name) >= 0:
                self._refuse(name, "at least 0")

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can reach the server."""
        return self.host in LOOPBACK

    @property
    def url_host(self) -> str:
        """The address as it stands in front of a port."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def _refuse(self, name: str, requirement: str) -> None:
        flag = "port" if name == "grpc_port" else name
        raise ServerError(f"{flag} must be {requirement}, got {getattr(self, name)}.")
