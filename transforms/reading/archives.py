"""Packed files that may unpack to far more than they are."""

import io
import zipfile
from typing import BinaryIO

from transforms.paths import path_of
from transforms.schema import DataError

# Tables pack to a tenth or a fiftieth. Files are read as a stream, so that what is
# below the size costs time and no memory.
_MAX_RATIO = 100
_HARMLESS_BYTES = 2**30


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
