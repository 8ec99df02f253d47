"""Directories that are on the disk, and a hash of what they hold."""

import hashlib
import pathlib

from models.whole_files import sync


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
