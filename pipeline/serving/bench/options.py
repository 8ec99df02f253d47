"""What a bench measures, and with requests of which sizes."""

import dataclasses
import pathlib
from collections.abc import Sequence

IN_PROCESS, GRPC, REST = "inprocess", "grpc", "rest"
TRANSPORTS = (IN_PROCESS, GRPC, REST)


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What is measured with what: every combination that matters.

    Attributes:
        support: Support pairs of a task.
        candidates: Items to score.
        concurrency: Requests under way.
        seconds: How long each combination is measured.
    """

    support: Sequence[int]
    candidates: Sequence[int]
    concurrency: Sequence[int]
    seconds: float


@dataclasses.dataclass(frozen=True)
class BenchOptions:
    """What to measure.

    Attributes:
        version_dir: The version; it is served, or its ids make the requests.
        sizes: Of the requests.
        transports: Some of `TRANSPORTS`.
        targets: Addresses of a server by transport; none has one started.
        output: Folder of `bench.json` and `bench.md`.
        soak_minutes: How long a steady load lasts; 0 for none.
        reload: Whether a new version is published under load.
        fuzz: Malformed requests over each transport; 0 for none.
        seed: Of all requests.
    """

    version_dir: pathlib.Path
    sizes: Sizes
    transports: tuple[str, ...]
    targets: dict[str, str]
    output: pathlib.Path
    soak_minutes: float
    reload: bool
    fuzz: int
    seed: int

    @property
    def has_grid(self) -> bool:
        """Whether latencies by size are measured: if nothing else is to be."""
        return not (self.soak_minutes or self.reload or self.fuzz)
