"""Progress that a person can watch: a bar on a terminal, plain lines elsewhere."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_LINE_EVERY_S = 5.0


def say(text: str) -> None:
    """Prints one line of progress to stderr, so that stdout holds results alone."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def progress_bar(
    what: str, total: int | None, start: int = 0
) -> Iterator[Callable[[str], None]]:
    """Shows how far a long step is.

    Args:
        what: Short name of the step.
        total: Units of work in all; None if that shows only at the end. Elsewhere than
            on a terminal nothing is said then of what ends soon.
        start: Units done before.

    Yields:
        A function to call after each unit, with a few words on where things stand.
    """
    if sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        times = (
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
        )
        with Progress(*columns, *times, console=Console(stderr=True)) as progress:
            task = progress.add_task(what, total=total, completed=start, text="")
            yield lambda text: progress.update(task, advance=1, text=text)
        return
    done, last_line = start, 0.0 if total else time.monotonic()
    of_all = f"/{total}" if total else ""

    def advance(text: str) -> None:
        nonlocal done, last_line
        done += 1
        if done == total or time.monotonic() - last_line >= _LINE_EVERY_S:
            last_line = time.monotonic()
            say(f"{what} {done}{of_all}  {text}")

    yield advance
