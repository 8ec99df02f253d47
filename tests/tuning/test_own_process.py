import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from models.file_locks import locked
from tuning.own_process import ProcessKilledError, RemoteError, run_in_own_process

ROOT = pathlib.Path(__file__).parents[2]


def test_what_a_function_returns_comes_back_and_what_it_prints_goes_to_the_log(
    tmp_path,
):
    log = tmp_path / "log"
    assert run_in_own_process(divmod, 17, 5, log=log) == (3, 2)
    assert run_in_own_process(os.system, "echo said", log=log) == 0
    assert log.read_text(encoding="utf-8") == "said\n"


def test_a_foreseen_exception_is_raised_as_it_was(tmp_path):
    with pytest.raises(ValueError, match=r"invalid literal for int.*'x'"):
        run_in_own_process(int, "x", log=tmp_path / "log", foreseen=(ValueError,))


def test_any_other_exception_comes_with_its_traceback(tmp_path):
    with pytest.raises(RemoteError, match=r"(?s)Traceback.*ZeroDivisionError"):
        run_in_own_process(divmod, 1, 0, log=tmp_path / "log", foreseen=(ValueError,))


def test_a_process_that_is_killed_is_told_from_one_that_answers(tmp_path):
    with pytest.raises(ProcessKilledError, match="ended by SIGSEGV"):
        run_in_own_process(signal.raise_signal, signal.SIGSEGV, log=tmp_path / "log")


def test_a_lock_is_held_by_one_process_at_a_time(tmp_path):
    path = tmp_path / "folder" / ".lock"
    code = (
        "import pathlib, sys\n"
        "from models.file_locks import LockedError, locked\n"
        "try:\n"
        "    with locked(pathlib.Path(sys.argv[1]), wait=False): print('taken')\n"
        "except LockedError as error: print(error)\n"
    )

    def other():
        command = [sys.executable, "-c", code, str(path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout

    with locked(path, wait=False):
        assert other() == f"{path} is held by another process\n"
    assert other() == "taken\n"


def test_a_process_ends_with_its_parent_even_if_that_is_killed(tmp_path):
    log = tmp_path / "log"
    code = (
        "import os, pathlib, sys\n"
        "from tuning.own_process import run_in_own_process\n"
        "if __name__ == '__main__':\n"
        "    run_in_own_process(exec, sys.argv[2], log=pathlib.Path(sys.argv[1]))\n"
    )
    command = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    arguments = [sys.executable, "-c", code, str(log), command]
    with subprocess.Popen(arguments, cwd=ROOT) as parent:
        wait_until(lambda: log.exists() and log.read_text().endswith("\n"))
        child = int(log.read_text())
        os.kill(child, 0)  # It lives.
        parent.kill()
    wait_until(lambda: not is_running(child))


def is_running(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"  # Ended, and not yet fetched.


def wait_until(condition):
    end = time.monotonic() + 15.0
    while not condition():
        assert time.monotonic() < end, "it has not come to this"
        time.sleep(0.01)
