"""Files that are there after a crash, whole or not at all."""

import hashlib
import os
import pathlib


def write_durably(path: pathlib.Path, text: str) -> None:
    """Writes a text file so that no reader, nor a crash, ever leaves half of it."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync(path.parent)


def sync(path: pathlib.Path) -> None:
    """Waits until a file, or what a directory lists, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(directory: pathlib.Path) -> None:
    """Waits until a directory and all that is in it is on the disk."""
    for path in directory.rglob("*"):
        sync(path)
    sync(directory)


def content_digest(directory: pathlib.Path) -> str:
    """Returns a hash, in hex, of the names and the content of all files below."""
    digest = hashlib.sha256()
    files = (path for path in directory.rglob("*") if path.is_file())
    for path in sorted(files, key=lambda path: path.relative_to(directory).parts):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        name = path.relative_to(directory).as_posix()
        digest.update(f"{name}\0{content}\n".encode())
    return digest.hexdigest()
