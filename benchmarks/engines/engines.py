"""The engines: why one cannot run here, and how to start it."""

import contextlib
import dataclasses
import importlib.util
import os
import pathlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from benchmarks.engines.clean_workers import clean_workers
from benchmarks.engines.java_clusters import flink_cluster, spark_cluster
from benchmarks.engines.processes import free_port, is_open, running, wait_for
from benchmarks.engines.worker_pools import worker_pools

_ROOT = pathlib.Path(__file__).parents[2]
_DASK_PROFILE = "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"
_FLINK_JAR, _FLINK_LIB = "CMML_FLINK_JOB_SERVER_JAR", "CMML_FLINK_LIB"
_SPARK_JAR, _SPARK_LIB = "CMML_SPARK_JOB_SERVER_JAR", "CMML_SPARK_LIB"


class Start(Protocol):
    """Starts single-threaded workers of an engine."""

    def __call__(
        self, folder: pathlib.Path, num_workers: int = 2
    ) -> AbstractContextManager[list[str]]:
        """Starts them in folders under the one given; yields flags of `cmml prepare`.

        Args:
            folder: Where to.
            num_workers: How many.
        """


@dataclasses.dataclass(frozen=True)
class Engine:
    """What a pipeline can run on.

    Attributes:
        name: Its name, and that of the folder of what it prepares.
        start: Starts its workers.
        left_out: Says why it cannot run here; "" if it can.
    """

    name: str
    start: Start
    left_out: Callable[[], str] = lambda: ""


@contextlib.contextmanager
def _processes(folder: pathlib.Path, num_workers: int = 2) -> Iterator[list[str]]:
    del folder
    number = f"--direct_num_workers={num_workers}"
    yield [number, "--direct_running_mode=multi_processing"]


@contextlib.contextmanager
def _pools(folder: pathlib.Path, num_workers: int = 2) -> Iterator[list[str]]:
    with worker_pools(folder, num_workers) as address:
        yield _portable(num_workers, address)


@contextlib.contextmanager
def _clean(folder: pathlib.Path, num_workers: int = 2) -> Iterator[list[str]]:
    with clean_workers(folder) as address:
        yield _portable(num_workers, address)


@contextlib.contextmanager
def _dask(folder: pathlib.Path, num_workers: int = 2) -> Iterator[list[str]]:
    """A scheduler and worker processes."""
    port = free_port()
    module = "benchmarks.engines.dask_cluster"
    command = [sys.executable, "-m", module, str(port), str(num_workers)]
    # Dask would look a hundred times a second at what its processes do.
    env = {"PYTHONPATH": str(_ROOT), _DASK_PROFILE: "False"}
    with running(command, folder, **env):
        wait_for(lambda: is_open(port), "Dask's scheduler")
        address = f"tcp://127.0.0.1:{port}"
        yield ["--runner=DaskRunner", f"--dask_client_address={address}"]


@contextlib.contextmanager
def _flink(folder: pathlib.Path, num_workers: int = 2) -> Iterator[list[str]]:
    """A cluster of task managers, where its jars are; else one in a process."""
    jar = os.environ[_FLINK_JAR]
    flags = ["--runner=FlinkRunner", f"--flink_job_server_jar={jar}"]
    flags += [f"--parallelism={num_workers}"]
    if (lib := os.environ.get(_FLINK_LIB)) is None:
        yield flags
        return
    with (
        flink_cluster(lib, jar, folder, num_workers) as master,
        worker_pools(folder, num_workers) as address,
    ):
        yield [*flags, f"--flink_master={master}", *_external(address)]


@contextlib.contextmanager
def _spark(folder: pathlib.Path, num_workers: int = 2) -> Iterator[list[str]]:
    """A cluster of workers, where its jars are; else one in a process."""
    jar = f"--spark_job_server_jar={os.environ[_SPARK_JAR]}"
    flags = ["--runner=SparkRunner", jar]
    if (lib := os.environ.get(_SPARK_LIB)) is None:
        yield [*flags, f"--spark_master_url=local[{num_workers}]"]
        return
    with (
        spark_cluster(lib, folder, num_workers) as master,
        worker_pools(folder, num_workers) as address,
    ):
        yield [*flags, f"--spark_master_url={master}", *_external(address)]


def _portable(num_workers: int, address: str) -> list[str]:
    number = f"--direct_num_workers={num_workers}"
    runner = ["--runner=PortableRunner", "--job_endpoint=embed"]
    return [*runner, number, *_external(address)]


def _external(address: str) -> list[str]:
    return ["--environment_type=EXTERNAL", f"--environment_config={address}"]


def _without_dask() -> str:
    is_there = importlib.util.find_spec("distributed") is not None
    return "" if is_there else "the package dask is not installed: the extra `dask`"


def _without_jar(variable: str) -> Callable[[], str]:
    def reason() -> str:
        if shutil.which("java") is None:
            return "there is no Java"
        jar = os.environ.get(variable)
        if jar is None:
            return f"{variable} does not name the jar of a job server"
        return "" if pathlib.Path(jar).is_file() else f"{variable}: no file {jar}"

    return reason


PROCESSES = Engine("processes", _processes)
WORKER_POOLS = Engine("worker_pools", _pools)
CLEAN_WORKERS = Engine("clean_workers", _clean)
DASK = Engine("dask", _dask, _without_dask)
FLINK = Engine("flink", _flink, _without_jar(_FLINK_JAR))
SPARK = Engine("spark", _spark, _without_jar(_SPARK_JAR))
ENGINES = (PROCESSES, WORKER_POOLS, CLEAN_WORKERS, DASK, FLINK, SPARK)
