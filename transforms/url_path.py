"""A file or a folder of a bucket, with what the project uses of `pathlib.Path`."""

from __future__ import annotations

import io
import pathlib
import posixpath
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

if TYPE_CHECKING:
    from apache_beam.io.filesystem import FileMetadata

_SCHEME = "://"


def is_url(path: str) -> bool:
    """Says whether a path is one of a bucket."""
    return _SCHEME in path


class _Stat(NamedTuple):
    st_size: int


class UrlPath:
    """A file or a folder of a bucket.

    There are no folders in most buckets: one is there if a file is in it.

    Args:
        url: With its scheme.

    Raises:
        ValueError: As `path_of`.
    """

    def __init__(self, url: str) -> None:
        from apache_beam.io.filesystems import FileSystems

        scheme, _, rest = url.partition(_SCHEME)
        self._url = f"{scheme}{_SCHEME}{rest.rstrip('/')}"
        self._files = FileSystems
        FileSystems.get_filesystem(self._url)

    def __str__(self) -> str:
        return self._url

    __repr__ = __str__

    def __fspath__(self) -> str:
        return self._url

    def __truediv__(self, name: str | pathlib.PurePath) -> UrlPath:
        return UrlPath(f"{self._url}/{name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UrlPath) and self._url == other._url

    def __lt__(self, other: UrlPath) -> bool:
        return self._url < other._url

    def __hash__(self) -> int:
        return hash(self._url)

    @property
    def name(self) -> str:
        """The last part of it."""
        return self._url.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The end of its name, from the last point on."""
        return posixpath.splitext(self.name)[1]

    @property
    def parent(self) -> UrlPath:
        """The folder that it is in."""
        return UrlPath(self._url.rpartition("/")[0])

    @property
    def parents(self) -> Sequence[UrlPath]:
        """All folders that it is in, within its bucket."""
        bucket, _, names = self._url.partition(_SCHEME)[2].partition("/")
        root = UrlPath(self._url[: self._url.index(_SCHEME) + 3] + bucket)
        parts = names.split("/")[:-1]
        return [
            root / "/".join(parts[:number]) if number else root
            for number in range(len(parts), -1, -1)
        ]

    def is_relative_to(self, other: UrlPath | pathlib.Path) -> bool:
        """Says whether it is in a folder, however deep."""
        return self._url.startswith(f"{other}/")

    def relative_to(self, other: UrlPath | pathlib.Path) -> pathlib.PurePosixPath:
        """Returns its name in a folder that it is in."""
        return pathlib.PurePosixPath(self._url.removeprefix(f"{other}/"))

    def as_posix(self) -> str:
        """Returns the URL."""
        return self._url

    def exists(self) -> bool:
        """Says whether it is there."""
        return self.is_dir() or bool(self._files.exists(self._url))

    def is_file(self) -> bool:
        """Says whether it is a file."""
        return not self.is_dir() and bool(self._files.exists(self._url))

    def is_dir(self) -> bool:
        """Says whether files are in it."""
        return bool(match_files(f"{self._url}/**", limit=1))

    def iterdir(self) -> Iterator[UrlPath]:
        """Yields the files and folders in it."""
        start = len(self._url) + 1
        names = (found.path[start:] for found in match_files(f"{self._url}/**"))
        yield from (
            self / name for name in sorted({n.partition("/")[0] for n in names})
        )

    def files(self) -> list[UrlPath]:
        """Returns the files in it, however deep, in order."""
        return [UrlPath(found.path) for found in match_files(f"{self._url}/**")]

    def stat(self) -> _Stat:
        """Returns its size."""
        (found,) = match_files(self._url)
        return _Stat(found.size_in_bytes)

    def open(self, mode: str = "rb") -> BinaryIO:
        """Opens it for bytes: "rb", or "wb"."""
        from apache_beam.io.filesystem import CompressionTypes

        plain = {"compression_type": CompressionTypes.UNCOMPRESSED}
        if mode == "wb":
            return cast(BinaryIO, self._files.create(self._url, **plain))
        stream = self._files.open(self._url, **plain)
        return cast(BinaryIO, io.BufferedReader(_Readable(stream)))

    def read_bytes(self) -> bytes:
        """Returns its content."""
        with self.open() as stream:
            return stream.read()

    def read_text(self, encoding: str) -> str:
        """Returns its content as text."""
        return self.read_bytes().decode(encoding)

    def touch(self) -> None:
        """Writes it without content."""
        self.open("wb").close()

    def mkdir(self, *, parents: bool, exist_ok: bool) -> None:
        """Makes a folder, where there are folders."""
        del parents, exist_ok  # As all calls want it.
        if not self._files.get_filesystem(self._url).has_dirs():
            return
        try:
            self._files.mkdirs(self._url)
        except OSError:
            if not self._files.exists(self._url):
                raise

    def replace(self, target: UrlPath) -> None:
        """Renames a file; in a bucket, whose files appear whole, by a copy of it."""
        if self._files.exists(str(target)):
            self._files.delete([str(target)])
        self._files.rename([self._url], [str(target)])

    def remove(self) -> None:
        """Removes the file, or all files in it, if there are any."""
        urls = [found.path for found in match_files(f"{self._url}/**")]
        if self._files.exists(self._url):  # Last: a folder, where there are folders.
            urls.append(self._url)
        if urls:
            self._files.delete(urls)


class _Readable(io.RawIOBase):
    """What a file system of Beam opens, as Python's readers want it."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._stream.seek(offset, whence)
        return self.tell()

    def tell(self) -> int:
        return int(self._stream.tell())

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = self._stream.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def match_files(pattern: str, limit: int | None = None) -> list[FileMetadata]:
    """Returns the files whose URL matches a pattern, in order."""
    from apache_beam.io.filesystems import FileSystems

    (result,) = FileSystems.match([pattern], [limit])
    found: list[FileMetadata] = sorted(result.metadata_list, key=lambda one: one.path)
    return found
