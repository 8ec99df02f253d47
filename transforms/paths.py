"""Files and folders of a file system, or of a bucket by its URL.

Whatever Beam has a file system for can be read and written: gs://, s3://, hdfs://, with
what Beam needs installed for it. Nothing else in the project opens raw tables, or files
of a data set that is being prepared.
"""

import glob
import os.path
import pathlib
import shutil
from collections.abc import Iterable
from typing import cast

from transforms.url_path import UrlPath, is_url, match_files


def path_of(path: str | pathlib.Path) -> pathlib.Path:
    """Returns a path; of a URL one that has what the project uses of `pathlib.Path`.

    Raises:
        ValueError: If Beam has no file system for the URL; it says what to install.
    """
    if not is_url(str(path)):
        return pathlib.Path(path)
    return cast(pathlib.Path, UrlPath(str(path)))


def path_in(folder: str | pathlib.Path, name: str) -> pathlib.Path:
    """Returns the path of a name that is relative to a folder, or stands alone."""
    return path_of(name) if is_url(name) else path_of(folder) / name


def absolute(path: str) -> str:
    """Returns a path that means the same in another working directory."""
    return path if is_url(path) else os.path.abspath(path)


def files_below(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns the files of a folder and of those in it by their relative names."""
    files: Iterable[pathlib.Path]
    if isinstance(folder, UrlPath):
        files = cast(list[pathlib.Path], folder.files())
    else:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in files}


def matches(folder: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    """Returns what matches a pattern, relative to a folder; of a bucket files alone."""
    if is_url(str(folder)) or is_url(pattern):
        found = match_files(str(path_in(folder, pattern)))
        return [path_of(metadata.path) for metadata in found]
    return [
        folder / name for name in glob.glob(pattern, root_dir=folder, recursive=True)
    ]


def remove(path: pathlib.Path) -> None:
    """Removes a file, or a folder with all that is in it, if it is there."""
    if isinstance(path, UrlPath):
        path.remove()
    elif path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
