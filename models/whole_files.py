"""Files that are there whole or not at all."""

import contextlib
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def whole_file(
    path: pathlib.Path, *, is_durable: bool = False
) -> Iterator[pathlib.Path]:
    """Gives a file its name when all of it is written, and not if writing fails.

    The folder is made if it is not there. Of one file there is one writer at a time.

    Args:
        path: The file.
        is_durable: Whether to wait until it is on the disk, so that not even a crash of
            the machine leaves half of it.

    Yields:
        Where to write meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    yield temporary
    if is_durable:
        sync(temporary)
    os.replace(temporary, path)
    if is_durable:
        sync(path.parent)


def write_atomically(
    path: pathlib.Path, text: str, *, is_durable: bool = False
) -> None:
    """Writes a text file so that no reader ever sees half of it; see `whole_file`."""
    with whole_file(path, is_durable=is_durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def sync(path: pathlib.Path) -> None:
    """Waits until a file, or what a directory lists, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
