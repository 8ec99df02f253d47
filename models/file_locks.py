"""Locks on files, which the system takes away from a process that has died."""

import contextlib
import fcntl
import pathlib
from collections.abc import Iterator


class LockedError(Exception):
    """A lock that another process holds."""


@contextlib.contextmanager
def locked(path: pathlib.Path, *, wait: bool) -> Iterator[None]:
    """Holds a lock.

    Args:
        path: File of the lock; it is made, with its folder, and stays.
        wait: Whether to wait for another process that holds it.

    Raises:
        LockedError: If another process holds it, without `wait`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise LockedError(f"{path} is held by another process") from None
        yield
