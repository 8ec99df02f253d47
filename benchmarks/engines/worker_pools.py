"""Worker pools of Beam as a cluster has them: processes in folders of their own.

`python -m benchmarks.engines.worker_pools PORT [PORT ...]` is a pool at the first port,
which hands requests to the pools at the other ones in turn, as a load balancer does.
"""

import contextlib
import functools
import itertools
import pathlib
import sys
from collections.abc import Iterator

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

from benchmarks.engines.processes import free_port, is_open, running, wait_for

_ROOT = pathlib.Path(__file__).parents[2]


@contextlib.contextmanager
def worker_pools(folder: pathlib.Path, number: int) -> Iterator[str]:
    """Starts pools in folders under one; yields the address of all."""
    ports = [free_port() for _ in range(number)]
    command = [sys.executable, "-m", __name__]
    with contextlib.ExitStack() as stack:
        for place, port in reversed(list(enumerate(ports, start=1))):
            others = ports[1:] if place == 1 else []
            stack.enter_context(
                running(
                    [*command, *map(str, [port, *others])],
                    folder / f"pool{place}",
                    PYTHONPATH=str(_ROOT),
                )
            )
        for port in ports:
            wait_for(functools.partial(is_open, port), "A worker pool")
        yield f"localhost:{ports[0]}"


class _Pool(BeamFnExternalWorkerPoolServicer):
    """A pool whose workers are threads, so that it imports Beam once."""

    turns: Iterator[beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub | None]

    def StartWorker(self, request, context):  # noqa: N802
        other = next(self.turns)
        if other is None:
            return super().StartWorker(request, context)
        return other.StartWorker(request)

    def StopWorker(self, request, context):  # noqa: N802
        # Task managers number their workers alike: it may be the other one's. A worker
        # ends by itself when nobody asks it any more.
        return beam_fn_api_pb2.StopWorkerResponse()


def _serve(port: str, *other_ports: str) -> None:
    others = [
        beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(
            grpc.insecure_channel(f"localhost:{other}")
        )
        for other in other_ports
    ]
    _Pool.turns = itertools.cycle([None, *others])
    _, server = _Pool.start(port=int(port))
    server.wait_for_termination()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
