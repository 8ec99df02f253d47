"""Files that are there whole or not at all."""

import contextlib
import json
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from transforms.schema import DataError


@contextlib.contextmanager
def whole_file(
    path: pathlib.Path, *, is_durable: bool = False
) -> Iterator[pathlib.Path]:
    """Gives a file its name when all of it is written, and not if writing fails.

    The folder is made if it is not there. Of one file there is one writer at a time.
    What there is of one that failed is removed.

    Args:
        path: The file.
        is_durable: Whether to wait until it is on the disk, so that not even a crash of
            the machine leaves half of it.

    Yields:
        Where to write meanwhile.

    Raises:
        OSError: If it cannot be written; it names a path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with paths_named(path):
            yield temporary
            if is_durable:
                sync(temporary)
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if is_durable:
        sync(path.parent)


@contextlib.contextmanager
def paths_named(path: pathlib.Path) -> Iterator[None]:
    """Has errors of writing name a path; Python leaves it out where a disk is full."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


def write_atomically(
    path: pathlib.Path, text: str, *, is_durable: bool = False
) -> None:
    """Writes a text file so that no reader ever sees half of it; see `whole_file`."""
    with whole_file(path, is_durable=is_durable) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: pathlib.Path, content: Any) -> None:
    """Writes a JSON file that `read_json` reads, whole or not at all."""
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def finite(value: Any) -> Any:
    """Replaces what JSON does not know, NaN and infinity, by None, however deep."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_json(
    path: pathlib.Path, *, cure: str = "remove it, and run again what wrote it"
) -> Any:
    """Reads a JSON file of our own.

    Args:
        path: The file.
        cure: What helps if it is damaged.

    Raises:
        DataError: If it is cut or damaged; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(
            f"{path} must be as it was written, but is cut or damaged ({error}): "
            f"{cure}."
        ) from None


def sync(path: pathlib.Path) -> None:
    """Waits until a file, or what a directory lists, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
