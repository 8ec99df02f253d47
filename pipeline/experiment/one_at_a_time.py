"""Work that two processes must not do at once in one place."""

import contextlib
import pathlib
from collections.abc import Iterator

from models.file_locks import LockedError, locked
from pipeline.experiment.progress import say


@contextlib.contextmanager
def one_at_a_time(step: str, path: pathlib.Path) -> Iterator[None]:
    """Waits for another process that does the same, and says that it does.

    Who has waited should look whether there is anything left to do.

    Args:
        step: What is done, for the line that says so.
        path: What is written. The lock lies beside the folder that it is in, hidden,
            and stays.
    """
    lock = path.parent.with_name(f".{path.parent.name}-{path.name}.lock")
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(lock, wait=False))
        except LockedError:
            say(f"{step}: waiting for another process that writes {path}")
            held.enter_context(locked(lock, wait=True))
        yield
