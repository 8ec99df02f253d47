"""Folders that take long to build: built once in a session of tests, by one process."""

import fcntl
import os
import pathlib
import shutil

_TEXT_FILES = {".json", ".jsonl", ".md", ".yaml"}
_RESULT = "built.txt"


def built_once(tmp_path_factory, name, build, meanwhile=None):
    """Returns a copy of a folder that is built once for all processes of a session.

    Each process has a copy of its own, so that none meets what others write meanwhile.

    Args:
        tmp_path_factory: Where folders go.
        name: What is built.
        build: Builds it in an empty folder, and returns a text.
        meanwhile: What to do while another process builds it, if anything.

    Returns:
        The copy, and the text; where they name the folder, they name the copy.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    original = shared / f"built-{name}"
    with (shared / f"built-{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if meanwhile is not None:
                meanwhile()
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not (original / _RESULT).exists():
            shutil.rmtree(original, ignore_errors=True)
            original.mkdir()
            text = build(original)
            (original / _RESULT).write_text(text, encoding="utf-8")
    copy = tmp_path_factory.mktemp(name) / name
    shutil.copytree(original, copy)
    for path in copy.rglob("*"):
        if path.suffix in _TEXT_FILES or path.name == _RESULT:
            _rename(path, original, copy)
    return copy, (copy / _RESULT).read_text(encoding="utf-8")


def _rename(path: pathlib.Path, original: pathlib.Path, copy: pathlib.Path):
    text = path.read_text(encoding="utf-8")
    if str(original) in text:
        path.write_text(text.replace(str(original), str(copy)), encoding="utf-8")
