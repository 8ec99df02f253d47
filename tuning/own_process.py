"""A function run in a process of its own, which ends with its parent process.

Its memory is freed, whatever libraries cache; and since it cannot
outlive who waits for it, nobody writes files that another has begun to write.
"""

import multiprocessing
import multiprocessing.connection
import os
import pathlib
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any


class ProcessKilledError(Exception):
    """A process that was ended from outside, as by a machine without memory."""


class RemoteError(Exception):
    """An exception of the process, which could not be foreseen; holds its traceback."""


def run_in_own_process(
    function: Callable[..., Any],
    *arguments: Any,
    log: pathlib.Path | None = None,
    foreseen: tuple[type[Exception], ...] = (),
) -> Any:
    """Calls a function of a module in a fresh process and waits for what it returns.

    Args:
        function: The function; it, its arguments and result must be picklable.
        *arguments: Its arguments.
        log: File that what it prints is appended to; None leaves it where it goes.
        foreseen: Exceptions that are raised here as they are raised there.

    Returns:
        What the function returns.

    Raises:
        ProcessKilledError: If the process ended without an answer.
        RemoteError: If the function raised anything else.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_answer, args=(sender, log, foreseen, function, arguments), daemon=True
    )
    process.start()
    sender.close()  # So that the end of the process is the end of the pipe.
    try:
        answer = receiver.recv()
    except EOFError:
        process.join()
        raise ProcessKilledError(_how_it_ended(process.exitcode)) from None
    finally:
        # Nothing that the process still does counts once it has answered.
        process.kill()
        process.join()
        receiver.close()
    if isinstance(answer, Exception):
        raise answer
    return answer[0]


def _answer(
    sender: multiprocessing.connection.Connection,
    log: pathlib.Path | None,
    foreseen: tuple[type[Exception], ...],
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    """Runs in the process: sends a tuple with the result, or an exception."""
    _end_with_parent()
    if log is not None:
        _print_to(log)
    try:
        sender.send((function(*arguments),))
    except foreseen as error:
        sender.send(error)
    except Exception:
        sender.send(RemoteError(traceback.format_exc()))


def _end_with_parent() -> None:
    """Ends this process as soon as its parent has ended, however that came."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent's to answer.
    parent = multiprocessing.parent_process()
    assert parent is not None
    if not parent.is_alive():
        os._exit(1)

    def wait() -> None:
        parent.join()  # Reads a pipe that closes when the parent ends, even by SIGKILL.
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _print_to(log: pathlib.Path) -> None:
    """Lets Python and libraries print to a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def _how_it_ended(exit_status: int | None) -> str:
    if exit_status is not None and exit_status < 0:
        return f"the process was ended by {signal.Signals(-exit_status).name}"
    return f"the process ended with status {exit_status} and without an answer"
