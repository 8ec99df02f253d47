"""Clusters of Flink and Spark on this machine, without scripts."""

import contextlib
import json
import os
import pathlib
import urllib.request
from collections.abc import Iterator

from benchmarks.engines.processes import free_port, running, wait_for

# What both read of Java's own classes, beyond what Java 17 allows.
_OPEN = (
    *("java.io", "java.lang", "java.lang.invoke", "java.lang.reflect", "java.net"),
    *("java.nio", "java.text", "java.time", "java.util", "java.util.concurrent"),
    *("java.util.concurrent.atomic", "java.util.concurrent.locks", "sun.nio.ch"),
    *("sun.nio.cs", "sun.security.action", "sun.util.calendar"),
)
_FLINK = "org.apache.flink.runtime"
_SPARK = "org.apache.spark.deploy"

# A task manager that no script of Flink starts must be told of all its memory. Classes
# of a job come from Flink's own class path first, where the jar of the job server is:
# Java compiles them once, not for each job anew.
_FLINK_CONF = {
    "classloader.resolve-order": "parent-first",
    "jobmanager.rpc.address": "localhost",
    "rest.address": "localhost",
    "taskmanager.numberOfTaskSlots": 1,
    "taskmanager.cpu.cores": 1,
    "taskmanager.memory.task.heap.size": "384m",
    "taskmanager.memory.task.off-heap.size": "0m",
    "taskmanager.memory.managed.size": "256m",
    "taskmanager.memory.network.min": "384m",
    "taskmanager.memory.network.max": "384m",
    "taskmanager.memory.framework.heap.size": "128m",
    "taskmanager.memory.framework.off-heap.size": "64m",
    "taskmanager.memory.jvm-metaspace.size": "256m",
    "taskmanager.memory.jvm-overhead.min": "64m",
    "taskmanager.memory.jvm-overhead.max": "64m",
}


@contextlib.contextmanager
def flink_cluster(
    lib: str, jar: str, folder: pathlib.Path, num_workers: int
) -> Iterator[str]:
    """Starts a job manager and task managers; yields the address of the former.

    Args:
        lib: Folder of the jars of a Flink distribution.
        jar: The jar of Beam's job server.
        folder: Where they run.
        num_workers: How many workers.
    """
    rest_port, rpc_port = free_port(), free_port()
    conf = folder / "conf"
    conf.mkdir(parents=True)
    values = {**_FLINK_CONF, "rest.port": rest_port, "jobmanager.rpc.port": rpc_port}
    lines = [f"{key}: {value}\n" for key, value in values.items()]
    (conf / "config.yaml").write_text("".join(lines))
    master = f"localhost:{rest_port}"
    at_conf = ["--configDir", str(conf)]
    jars = f"{lib}/*:{jar}"

    def has_workers() -> bool:
        try:
            with urllib.request.urlopen(f"http://{master}/overview") as answer:
                return json.load(answer)["taskmanagers"] == num_workers
        except OSError:
            return False

    with contextlib.ExitStack() as stack:
        job_manager = f"{_FLINK}.entrypoint.StandaloneSessionClusterEntrypoint"
        command = _java(jars, job_manager, *at_conf, "--executionMode", "cluster")
        stack.enter_context(running(command, folder / "job_manager"))
        command = _java(jars, f"{_FLINK}.taskexecutor.TaskManagerRunner", *at_conf)
        for number in range(num_workers):
            stack.enter_context(running(command, folder / f"task_manager{number}"))
        wait_for(has_workers, "Flink's cluster")
        yield master


@contextlib.contextmanager
def spark_cluster(lib: str, folder: pathlib.Path, num_workers: int) -> Iterator[str]:
    """Starts a master and workers; yields the address of the former.

    Args:
        lib: Folder of the jars of a Spark distribution.
        folder: Where they run.
        num_workers: How many workers.
    """
    master = f"spark://localhost:{free_port()}"
    host, port = master.removeprefix("spark://").split(":")
    env = {
        "SPARK_HOME": os.path.dirname(lib),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_SCALA_VERSION": "2.12",  # Which it would look for in a build.
    }
    at_host = ["--host", host, "--webui-port", "0"]

    def has_workers() -> bool:
        logs = [log.read_text() for log in folder.glob("worker*/log")]
        return sum("Successfully registered" in log for log in logs) == num_workers

    with contextlib.ExitStack() as stack:
        jars = f"{lib}/*"
        command = _java(jars, f"{_SPARK}.master.Master", *at_host, "--port", port)
        stack.enter_context(running(command, folder / "master", **env))
        # An executor asks for 1 GB and something over.
        shape = ["--cores", "1", "--memory", "1500m", "--work-dir", "work"]
        command = _java(jars, f"{_SPARK}.worker.Worker", *at_host, *shape, master)
        for number in range(num_workers):
            stack.enter_context(running(command, folder / f"worker{number}", **env))
        wait_for(has_workers, "Spark's cluster")
        yield master


def _java(jars: str, main: str, *arguments: str) -> list[str]:
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPEN]
    return ["java", "-Xmx800m", *opened, "-cp", jars, main, *arguments]
