"""The files of a prepared data set: what was written, and whether it is still so."""

import dataclasses
import gzip
import pathlib
import struct
import zlib
from collections.abc import Iterator, Mapping

# A record has its length before it, with a checksum, and a checksum after it.
_HEAD = struct.Struct("<Q4x")
_TAIL_BYTES = 4
_BLOCK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class PreparedFile:
    """What a file held when it was written.

    Attributes:
        bytes: Its size.
        crc32: Checksum of its content.
        records: Records in it; None if it is no TFRecord file.
    """

    bytes: int
    crc32: int
    records: int | None = None


def look_at(path: pathlib.Path) -> PreparedFile:
    """Returns what a file holds."""
    if ".tfrecord" not in path.name:
        return PreparedFile(path.stat().st_size, _checksum(path))
    data = path.read_bytes()
    plain = gzip.decompress(data) if path.suffix == ".gz" else data
    return PreparedFile(len(data), zlib.crc32(data), sum(1 for _ in records_of(plain)))


def damage(directory: pathlib.Path, files: Mapping[str, PreparedFile]) -> str | None:
    """Says what is wrong with the first file that is not as it was written.

    Args:
        directory: A prepared data set.
        files: Its files by name.

    Returns:
        A clause that names the file; None if all are as they were.
    """
    for name, file in files.items():
        path = directory / name
        if not path.is_file():
            return f"{name} is missing"
        holds = "" if file.records is None else f" and {file.records} records"
        if (size := path.stat().st_size) != file.bytes:
            return f"{name} must have {file.bytes} bytes{holds}, but has {size} bytes"
        if _checksum(path) != file.crc32:
            return f"{name} has other content than the {file.bytes} bytes{holds} it had"
    return None


def _checksum(path: pathlib.Path) -> int:
    """Returns the checksum of a file that need not fit into memory."""
    crc32 = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            crc32 = zlib.crc32(block, crc32)
    return crc32


def records_of(data: bytes) -> Iterator[memoryview]:
    """Yields the records of a TFRecord file, given its content."""
    place, view = 0, memoryview(data)
    while place < len(data):
        (length,) = _HEAD.unpack_from(data, place)
        place += _HEAD.size
        yield view[place : place + length]
        place += length + _TAIL_BYTES
