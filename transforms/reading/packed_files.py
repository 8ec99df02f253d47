"""Files opened by what they hold, not by what they are called; packed ones, bounded."""

import bz2
import contextlib
import gzip
import io
import lzma
import pathlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, cast

from transforms.paths import path_of
from transforms.schema import DataError

PARQUET = b"PAR1"  # What a Parquet file begins with.
_UNPACK: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
# What no reader takes: what it is, and what to do.
_FOREIGN = {
    b"\x28\xb5\x2f\xfd": ("packed by zstd", "unpack it first"),
    b"\xff\xfe": ("UTF-16 text", "save it as UTF-8"),
    b"\xfe\xff": ("UTF-16 text", "save it as UTF-8"),
    b"\xd0\xcf\x11\xe0": ("an Excel file", "save it as CSV"),
    b"PK\x03\x04": ("a zip archive inside an archive", "unpack it first"),
    **dict.fromkeys(_UNPACK, ("packed twice", "unpack it once")),
}
_TAR = slice(257, 262), b"ustar"
_EXCEL = "xl/workbook.xml"  # In a zip archive, which newer Excel files are.
_DAMAGE = (
    EOFError,
    NotImplementedError,  # Of a way of packing that Python does not know.
    OSError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)

# Tables pack to a tenth or a fiftieth. Files are read as a stream, so that what is
# below the size costs time and no memory.
_MAX_RATIO = 100
_HARMLESS_BYTES = 2**30


class FileError(DataError):
    """A file that cannot be read; the message names it and says what to do."""


@contextlib.contextmanager
def open_packed(
    path: str, member: str | None, source: str, *, is_parquet: bool = False
) -> Iterator[io.BufferedReader]:
    """Opens a file for reading bytes, unpacked from zip, gzip, bzip2 or xz.

    Args:
        path: The file.
        member: File inside it, if it is a zip archive.
        source: Its name in messages.
        is_parquet: Whether it is to be read as Parquet.

    Raises:
        FileError: If it is damaged, also while it is read, or of a kind that nothing
            here reads.
    """
    with _damage_named(source), contextlib.ExitStack() as stack:
        stream: Any = stack.enter_context(path_of(path).open("rb"))
        if member is not None:
            archive = stack.enter_context(zipfile.ZipFile(stream))
            packed = stack.enter_context(archive.open(member))
            stream = io.BufferedReader(cast(io.RawIOBase, packed))
        start = stream.peek(8)
        for mark, unpack in _UNPACK.items():
            if start.startswith(mark):
                unpacked = stack.enter_context(unpack(stream))
                stream = io.BufferedReader(BoundedReader(unpacked, path))
                if is_parquet:  # It is read from its end, which no packed file is.
                    stream = io.BufferedReader(io.BytesIO(stream.read()))
        _check_kind(stream.peek(_TAR[0].stop), source, is_parquet=is_parquet)
        yield stream


@contextlib.contextmanager
def _damage_named(source: str) -> Iterator[None]:
    """Turns what is raised for a damaged file into an error that names it."""
    try:
        yield
    except _DAMAGE as error:
        said = " ".join(str(error).split())
        raise FileError(
            f"{source} must be a whole file, but it is cut or damaged "
            f"({type(error).__name__}: {said}): fetch or pack it again."
        ) from None


def is_packed(path: str) -> bool:
    """Says whether a file is an archive or compressed."""
    with path_of(path).open("rb") as stream:
        start = stream.read(8)
    return start.startswith((*_UNPACK, b"PK\x03\x04"))


def archive_members(path: str) -> dict[str, zipfile.ZipInfo] | None:
    """Returns the files inside a zip archive by name; None if the file is none.

    Raises:
        FileError: If the archive is cut, or its files are encrypted.
    """
    with path_of(path).open("rb") as stream:
        is_cut = stream.read(4) == b"PK\x03\x04"
        if not zipfile.is_zipfile(stream):
            if not is_cut:
                return None
            raise FileError(
                f"{path} must be a whole zip archive, but its end is missing: fetch it "
                "again."
            )
        with _damage_named(path), zipfile.ZipFile(stream) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
    if any(info.flag_bits & 1 for info in files):
        raise FileError(f"{path} must not be encrypted: unpack it first.")
    if any(info.filename == _EXCEL for info in files):
        raise FileError(f"{path} is an Excel file, which is not read: save it as CSV.")
    return {info.filename: info for info in files if is_part(info.filename)}


def is_part(name: str) -> bool:
    """Says whether a file name is one of data, and not of what wrote them."""
    path = pathlib.PurePosixPath(name)
    return not path.name.startswith(("_", ".")) and "__MACOSX" not in path.parts


def _check_kind(start: bytes, source: str, *, is_parquet: bool) -> None:
    """Refuses what is no text, or no Parquet."""
    if start.startswith(PARQUET) != is_parquet:
        kind, cure = (
            ("no Parquet file", "give its `format`")
            if is_parquet
            else ("a Parquet file", "set `format: parquet`")
        )
        raise FileError(
            f"{source} is {kind}: {cure}; all files of one `path` have one format."
        )
    place, tar = _TAR
    if start[place] == tar:
        raise FileError(
            f"{source} is a tar archive, which is not read: unpack it first."
        )
    for mark, (kind, cure) in _FOREIGN.items():
        if start.startswith(mark):
            raise FileError(f"{source} is {kind}, which is not read: {cure}.")


def check_member(path: str, info: zipfile.ZipInfo) -> None:
    """Refuses a file of a zip archive that claims to be a bomb.

    No more is ever read of it than it claims, and nothing is unpacked onto the disk, so
    that its name can lead nowhere.

    Args:
        path: The archive.
        info: What it says of the file.

    Raises:
        DataError: If it unpacks to too much.
    """
    if _is_bomb(info.file_size, info.compress_size):
        raise _bomb(f"{path}/{info.filename}", info.file_size, info.compress_size)


class BoundedReader(io.RawIOBase):
    """Reads what is unpacked of a file, up to a multiple of what is packed.

    Args:
        unpacked: The stream.
        path: The packed file.
    """

    def __init__(self, unpacked: BinaryIO, path: str) -> None:
        super().__init__()
        self._unpacked = unpacked
        self._path = path
        self._packed_bytes = path_of(path).stat().st_size
        self._bytes = 0

    def readable(self) -> bool:
        """Is true."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fills a buffer.

        Raises:
            DataError: If more has come than the packed file may hold.
        """
        part = self._unpacked.read(len(buffer))
        buffer[: len(part)] = part
        self._bytes += len(part)
        if _is_bomb(self._bytes, self._packed_bytes):
            raise _bomb(self._path, self._bytes, self._packed_bytes)
        return len(part)


def _is_bomb(unpacked_bytes: int, packed_bytes: int) -> bool:
    return unpacked_bytes > max(_HARMLESS_BYTES, _MAX_RATIO * packed_bytes)


def _bomb(name: str, unpacked_bytes: int, packed_bytes: int) -> DataError:
    return DataError(
        f"a packed file must unpack to at most {_MAX_RATIO} times its size, or to "
        f"{_HARMLESS_BYTES} bytes, and {name} unpacks {packed_bytes} bytes to "
        f"{unpacked_bytes} or more: look what it holds, and unpack it yourself."
    )
