"""A scheduler of Dask and its workers, forks of one process: Beam is imported once.

`python -m benchmarks.engines.dask_cluster PORT WORKERS` is that process. Each fork
works and writes `log` in a folder of its own, under the one it is started in.
"""

import os
import pathlib
import signal
import sys

import apache_beam  # noqa: F401, so that no fork imports it.
from click import Command
from distributed.cli import dask_scheduler, dask_worker


def main(port: str, num_workers: str) -> None:
    """Starts all, and ends them when this process is told to end.

    They are killed, since a worker that is told to end may not end without a scheduler.
    """
    forks: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(one, 9) for one in forks])
    serve = "--host=127.0.0.1", f"--port={port}", "--no-dashboard"
    forks.append(_fork(dask_scheduler.main, serve, "scheduler"))
    work = f"tcp://127.0.0.1:{port}", "--nthreads=1", "--no-nanny", "--no-dashboard"
    for number in range(1, int(num_workers) + 1):
        forks.append(_fork(dask_worker.main, work, f"worker{number}"))
    for one in forks:
        os.waitpid(one, 0)


def _fork(command: Command, arguments: tuple[str, ...], name: str) -> int:
    if pid := os.fork():
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    folder = pathlib.Path(name)
    folder.mkdir()
    log = os.open(folder / "log", os.O_CREAT | os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(folder)
    command(list(arguments))  # Ends the process.
    raise AssertionError("unreachable")


if __name__ == "__main__":
    main(*sys.argv[1:])
