"""Disks that are full, read-only, or not to be written to, and a step.

Needs root, to mount a disk of memory.
"""

import ctypes
import dataclasses
import pathlib
import shutil
import subprocess
from collections.abc import Iterator

from benchmarks.faults import tree
from benchmarks.faults.forked import Ended, fork
from benchmarks.faults.kills import Reference, half_there, wrong_in_the_end
from benchmarks.faults.steps import STEPS

_CAPABILITY_VERSION = 0x20080522  # The third, of Linux.
_NOT_WRITTEN = (2, 4)  # The former if a step has an advice of its own.
_ROOMY = 1 << 30
_FULL = "No space left on device"
_SHARES = (0.0, 0.3, 0.6, 0.9)  # Of the room that the step needs.


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with a disk.

    Attributes:
        name: Of the fault.
        words: What the system says.
        room: Bytes that are free; None for enough.
        is_read_only: Whether it is mounted so.
        is_forbidden: Whether its folders may not be written to.
    """

    name: str
    words: str
    room: int | None = None
    is_read_only: bool = False
    is_forbidden: bool = False


def try_faults(
    name: str, reference: Reference, home: pathlib.Path
) -> dict[str, list[str]]:
    """Runs a step on disks with faults, and again when they are mended.

    Returns:
        What it said of each, and what was not as it has to be.
    """
    faults = [
        *(
            Fault(f"{share:.0%} of the room", _FULL, room=int(share * reference.size))
            for share in _SHARES
        ),
        Fault("read-only", "Read-only file system", is_read_only=True),
        Fault("no permission", "Permission denied", is_forbidden=True),
    ]
    said, wrong = [], []
    for fault in faults:
        disk = home / "disk"
        disk.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "cmml", disk], check=True)
        try:
            line, *found = _try(name, fault, reference, disk, home)
        finally:
            subprocess.run(["umount", "--lazy", disk], check=True)
        said.append(f"{fault.name}: {line}")
        wrong += [f"{name}, {fault.name}: {text}" for text in found]
    return {"said": said, "faults": wrong}


def _try(
    name: str,
    fault: Fault,
    reference: Reference,
    disk: pathlib.Path,
    home: pathlib.Path,
) -> Iterator[str]:
    """Yields what a step says on a disk with a fault, and then what is wrong."""
    work = disk / "work"
    shutil.copytree(reference.before, work)
    was = tree.digests(work)
    _remount(disk, fault)
    ended, text = _run(name, work, home, is_root=not fault.is_forbidden)
    if fault.room is not None and not ended.status:
        yield "there is room enough"
        yield from wrong_in_the_end(ended, work, reference)
        return
    lines = [line for line in text.splitlines() if fault.words in line]
    yield lines[-1] if lines else text[-300:]
    if ended.status not in _NOT_WRITTEN:
        yield f"it ends with {ended.status}"
    if len(lines) != 1 or "Traceback" in text or "cmml " not in lines[0]:
        yield f"it must say so in one line that names the path, got {text[-2000:]!r}"
    found = tree.digests(work)
    yield from half_there(name, work, found, reference)
    yield from (f"{one} is left" for one in found.keys() - was.keys() if ".tmp" in one)
    subprocess.run(["mount", "-o", "remount,rw,size=1g", disk], check=True)
    _change_folders(disk, 0o755)
    ended, _ = _run(name, work, home)
    yield from (
        f"once mended, {one}" for one in wrong_in_the_end(ended, work, reference)
    )


def _change_folders(disk: pathlib.Path, mode: int) -> None:
    for path in (disk / "work").rglob("*"):
        if path.is_dir():
            path.chmod(mode)
    (disk / "work").chmod(mode)


def _obey_permissions() -> None:
    """Gives up what lets root write wherever it likes; it stays root otherwise."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capset")


def _remount(disk: pathlib.Path, fault: Fault) -> None:
    if fault.room is not None:
        used = shutil.disk_usage(disk).used
        # A disk of memory cannot be smaller than what it holds.
        size = used + fault.room + 4096
        subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)
    if fault.is_forbidden:
        _change_folders(disk, 0o555)
    if fault.is_read_only:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)


def _run(
    name: str, work: pathlib.Path, home: pathlib.Path, *, is_root: bool = True
) -> tuple[Ended, str]:
    """Runs a step; returns how it ended and what it printed."""

    def run() -> int:
        if not is_root:
            _obey_permissions()
        return STEPS[name].run()

    log = home / "log"
    log.unlink(missing_ok=True)
    ended = fork(run, work, beside=home).wait()
    return ended, log.read_text(errors="replace")
