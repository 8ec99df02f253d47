"""Commands in forks of a process that has imported all they need, and their deaths.

TensorFlow takes longer to import than a short step takes to run, and writes nothing
meanwhile. So it is imported once, before any of it runs, and every command is a fork
that goes on from there: what is killed is the step itself, over its whole life.
"""

import dataclasses
import functools
import importlib
import os
import pathlib
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from benchmarks.light_beam import look_at_stages_once
from pipeline.experiment import quiet

_POLL_S = 0.01
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_WITHOUT_TENSORFLOW = "prepare"
_OPERATIONS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link"}
_WRITES = os.O_WRONLY | os.O_RDWR


def import_steps(names: Iterable[str]) -> None:
    """Imports all that steps need, of TensorFlow too; nothing of it is started."""
    modules = {
        "prepare": (
            "apache_beam.runners.portability.fn_api_runner",
            "pipeline.settings.scenario.source",
            "pipeline.settings.user.source",
            "transforms.reading.read_tables",
        ),
        "serve": ("pipeline.serving.server.model_server",),
    }
    quiet.quieten()
    for name in names:
        if name != _WITHOUT_TENSORFLOW:
            quiet.import_tensorflow()
        for module in (f"pipeline.steps.{name}", *modules.get(name, ())):
            importlib.import_module(module)


@dataclasses.dataclass(frozen=True)
class Moment:
    """When a process is to be killed.

    Attributes:
        cpu_s: Seconds of processor time that it and its children have had.
        operation: Number of the change of a file, just before which; None for none.
    """

    cpu_s: float = float("inf")
    operation: int | None = None


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        status: Exit status; that of a killed one is -9.
        cpu_s: Seconds of processor time that it and its children have had.
        operations: Changes of files by Python that it has begun.
    """

    status: int
    cpu_s: float
    operations: int


@dataclasses.dataclass(frozen=True)
class Forked:
    """A command that runs in a group of processes of its own.

    Attributes:
        pid: Its process, and its group.
        counter: Has a byte for each change of a file.
    """

    pid: int
    counter: pathlib.Path

    def wait(self, moment: Moment = Moment()) -> Ended:
        """Waits for the end, and brings it about when the moment has come."""
        cpu_s = 0.0
        while True:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                break
            cpu_s = max(cpu_s, _cpu_s(self.pid))
            if cpu_s >= moment.cpu_s:
                self.kill()
            time.sleep(_POLL_S)
        self.kill()  # What it has left behind.
        own = usage.ru_utime + usage.ru_stime
        code = os.waitstatus_to_exitcode(status)
        return Ended(code, max(cpu_s, own), self.counter.stat().st_size)

    def cpu_s(self) -> float:
        """Returns the processor time so far, in seconds."""
        return _cpu_s(self.pid)

    def end(self) -> Ended:
        """Kills it, and waits for its end."""
        return self.wait(Moment(cpu_s=0.0))

    def kill(self) -> None:
        """Kills it and all its children at once."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def fork(
    run: Callable[[], int],
    folder: pathlib.Path,
    operation: int | None = None,
    *,
    beside: pathlib.Path | None = None,
) -> Forked:
    """Runs a function in a fork.

    Args:
        run: Returns the exit status.
        folder: Where it runs.
        operation: The change of a file below the folder before which it kills itself
            and its children; None for none.
        beside: Where what it prints is appended to `log`; by default beside the folder.
    """
    beside = beside or folder.parent
    counter = beside / "operations"
    counter.write_bytes(b"")
    sys.stdout.flush()
    sys.stderr.flush()
    if pid := os.fork():
        return Forked(pid, counter)
    status = 1
    try:
        os.setsid()
        os.chdir(folder)
        log = os.open(beside / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        _lighten()
        _count_operations(folder, counter, operation)
        status = run()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _lighten() -> None:
    """Spares what has nothing to do with files: graphs are run as they are traced."""
    if "apache_beam" in sys.modules:
        look_at_stages_once()
    if "tensorflow" not in sys.modules:
        return
    import tensorflow as tf
    from tensorflow.python.framework import ops

    ops._create_c_op = functools.partial(ops._create_c_op, extract_traceback=False)
    options = {"disable_meta_optimizer": True}
    tf.config.optimizer.set_experimental_options(options)


def _count_operations(
    folder: pathlib.Path, counter: pathlib.Path, last: int | None
) -> None:
    """Counts changes of files of the folder, and dies before one."""
    file = os.open(counter, os.O_WRONLY | os.O_APPEND)
    root, seen = f"{folder}{os.sep}", 0

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in _OPERATIONS or not _changes(event, arguments, root):
            return
        seen += 1
        if seen == last:
            os.killpg(os.getpgid(0), signal.SIGKILL)
        os.write(file, b".")

    sys.addaudithook(audit)


def _changes(event: str, arguments: tuple[Any, ...], root: str) -> bool:
    path = arguments[0]
    if event == "open":
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        if not arguments[2] & _WRITES:
            return False
    if not isinstance(path, str | os.PathLike):
        return False
    has_folder = event in ("os.remove", "os.rmdir") and arguments[1] != -1
    return has_folder or os.path.abspath(path).startswith(root)


def _cpu_s(pid: int) -> float:
    """Returns the processor time of a process and its children, in seconds."""
    return sum(map(_ticks, _family(pid))) / _TICKS_PER_S


def _family(pid: int) -> Iterator[int]:
    yield pid
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _ticks(pid: int) -> int:
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # User and system time of it and of children that it has waited for.
    return sum(map(int, text.rpartition(")")[2].split()[11:15]))
