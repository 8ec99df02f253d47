"""What a folder holds, but for times and names that are times."""

import hashlib
import json
import pathlib
import re
from collections.abc import Collection, Iterator, Mapping

_IN_NAMES = (
    (re.compile(r"\d{8}-\d{6}-"), "TIME-"),
    (re.compile(r"\.tfevents\..*"), ".tfevents"),
)
_TIMES = (
    *("finished", "created", "seconds", "tasks_per_s", "epoch_s", "fit_s", "train_s"),
    *("adapt_ms", "train_ms", "peak_mb", "load", "start_time", "time", "timestamp"),
)
_IN_TEXTS = (
    (re.compile(r"\d{8}-\d{6}-"), "TIME-"),
    (re.compile(rf'"({"|".join(_TIMES)})": ("[^"]*"|[^,\s}}]*)'), r'"\1": "TIME"'),
)
_TEXTS = {".json", ".jsonl", ".md", ".csv", ".yaml", ".html", ".config"}
# What is held while a step runs and stays, empty; and logs, which every start adds to.
_LOCK = re.compile(r".*\.lock")
_LOG = re.compile(r".*(\.tfevents|seed-\d+\.log)")

Digests = Mapping[str, str]


def digests(folder: pathlib.Path) -> Digests:
    """Returns a digest of each file by its name, without locks and logs."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = normal(path.relative_to(folder).as_posix())
        if path.is_file() and not _LOCK.fullmatch(name) and not _LOG.fullmatch(name):
            found[name] = _digest(path, str(folder))
    return found


def normal(name: str) -> str:
    """Returns a name without the time in it."""
    for pattern, text in _IN_NAMES:
        name = pattern.sub(text, name)
    return name


def differences(found: Digests, expected: Digests, loose: Collection[str]) -> list[str]:
    """Says what is missing, too much, or of another content.

    Args:
        found: Digests by name.
        expected: What they should be.
        loose: Names whose content may differ.
    """
    missing = [f"{name} is missing" for name in sorted(expected.keys() - found.keys())]
    extra = [f"{name} is left over" for name in sorted(found.keys() - expected.keys())]
    others = [
        f"{name} has other content"
        for name in sorted(expected.keys() & found.keys())
        if found[name] != expected[name] and name not in loose
    ]
    return missing + extra + others


def half_written(folder: pathlib.Path) -> Iterator[str]:
    """Yields the JSON files that cannot be read."""
    for path in folder.rglob("*.json"):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue  # As names of what is not yet whole do.
        try:
            json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            yield f"{path.relative_to(folder)} is half written"


def state(folder: pathlib.Path) -> dict[str, tuple[int, int]]:
    """Returns size and time of each file, to tell whether anything has changed."""
    files = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.endswith(".lock"):
            stat = path.stat()
            files[path.relative_to(folder).as_posix()] = stat.st_size, stat.st_mtime_ns
    return files


def _digest(path: pathlib.Path, folder: str) -> str:
    data = path.read_bytes()
    if path.suffix in _TEXTS:
        text = data.decode(errors="replace").replace(folder, "")
        for pattern, replacement in _IN_TEXTS:
            text = pattern.sub(replacement, text)
        data = text.encode()
    return hashlib.sha256(data).hexdigest()
