"""Writes `tf.train.Example` records without TensorFlow.

TensorFlow takes seconds to import, on every worker. A record is a protocol buffer of
four small messages in a frame of lengths and checksums; both are made here.
"""

import functools
import gzip
import io
import itertools
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt

_MASK_DELTA = 0xA282EAD8
_GZIP_LEVEL = 6

# Tags of fields, all of which hold bytes: number * 8 + 2.
_FEATURES = _ENTRY = _KEY = _VALUES = 1 << 3 | 2
_FEATURE = 2 << 3 | 2
_BYTES_LIST, _FLOAT_LIST, _INT_LIST = (number << 3 | 2 for number in (1, 2, 3))

_MAX_UINT64 = (1 << 64) - 1
_FEW = 32  # Integers that are encoded one by one.

Places = npt.NDArray[np.integer[Any]]


def encode_example(
    *,
    ints: Mapping[str, Sequence[int] | bytes] | None = None,
    floats: Mapping[str, Sequence[float] | bytes] | None = None,
    texts: Mapping[str, str] | None = None,
) -> bytes:
    """Returns the bytes of one `tf.train.Example`, alike every time.

    Args:
        ints: int64 values by key, or their bytes as of `PackedInts`.
        floats: float32 values by key, or their bytes, little end first.
        texts: One UTF-8 text by key.
    """
    features = []
    for key, numbers in (ints or {}).items():
        features.append((key, _INT_LIST, _int_bytes(numbers)))
    for key, values in (floats or {}).items():
        features.append((key, _FLOAT_LIST, _float_bytes(values)))
    for key, text in (texts or {}).items():
        features.append((key, _BYTES_LIST, text.encode()))
    parts: list[bytes] = []
    for key, kind, data in sorted(features):
        parts += _before(key, kind, len(data)), data
    entries = b"".join(parts)
    return _head(_FEATURES, len(entries)) + entries


class ExampleEncoder:
    """Encodes many examples of the same keys, as `encode_example` does.

    What comes before values is made once for all that have the same sizes.

    Args:
        ints: Keys of integers.
        floats: Keys of numbers.
        texts: Keys of one text each.

    Attributes:
        keys: All keys, sorted.
    """

    def __init__(
        self,
        *,
        ints: Iterable[str] = (),
        floats: Iterable[str] = (),
        texts: Iterable[str] = (),
    ) -> None:
        kinds = dict.fromkeys(ints, _INT_LIST)
        kinds |= dict.fromkeys(floats, _FLOAT_LIST)
        kinds |= dict.fromkeys(texts, _BYTES_LIST)
        self.keys = sorted(kinds)
        self._kinds = [kinds[key] for key in self.keys]
        self._before = functools.lru_cache(maxsize=1 << 14)(self._before_sizes)

    def encode(self, values: Sequence[bytes]) -> bytes:
        """Returns the bytes of an example, given those of the values of each key."""
        before = self._before(*map(len, values))
        return b"".join(itertools.chain.from_iterable(zip(before, values, strict=True)))

    def _before_sizes(self, *sizes: int) -> list[bytes]:
        columns = zip(self.keys, self._kinds, sizes, strict=True)
        first, *others = (_before(*column) for column in columns)
        size = len(first) + sum(map(len, others)) + sum(sizes)
        return [_head(_FEATURES, size) + first, *others]


class PackedInts:
    """The bytes of many integers, of which any stretch can be taken.

    Args:
        numbers: The integers.
    """

    def __init__(self, numbers: npt.NDArray[np.integer[Any]]) -> None:
        numbers = rest = numbers.astype(np.uint64)
        parts = []
        while True:  # Seven bits a byte, the low ones first.
            parts.append((rest & np.uint64(127)).astype(np.uint8))
            rest = rest >> np.uint64(7)
            if not rest.any():
                break
        table = np.stack(parts, axis=-1)
        sizes = np.ones(len(numbers), np.int64)
        for place in range(1, len(parts)):
            is_longer = numbers >= np.uint64(1 << (7 * place))
            sizes += is_longer
            table[is_longer, place - 1] |= 128
        self._data = table[np.arange(len(parts)) < sizes[:, np.newaxis]].tobytes()
        self._ends = np.concatenate([[0], np.cumsum(sizes)])

    def all_bytes(self) -> bytes:
        """Returns the bytes of all of them."""
        return self._data

    def each(self) -> list[bytes]:
        """Returns the bytes of each of them."""
        places = np.arange(len(self._ends))
        return self.bytes_of(places[:-1], places[1:])

    def bytes_of(self, starts: Places, ends: Places) -> list[bytes]:
        """Returns the bytes of stretches.

        Args:
            starts: Place of the first integer of each.
            ends: Place after the last one of each.
        """
        bounds = zip(
            self._ends[starts].tolist(), self._ends[ends].tolist(), strict=True
        )
        return [self._data[start:end] for start, end in bounds]


def tfrecord_parts(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the parts of a TFRecord file, one for each record."""
    return map(_frame, records)


def compressed_tfrecord(records: Iterable[bytes]) -> bytes:
    """Returns the bytes of a TFRecord file in gzip.

    It has neither time nor file name, so that equal records give equal bytes.
    """
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", _GZIP_LEVEL, buffer, mtime=0) as file:
        file.write(b"".join(map(_frame, records)))
    return buffer.getvalue()


def _frame(record: bytes) -> bytes:
    return b"".join((_frame_head(len(record)), record, _masked_crc(record)))


@functools.lru_cache(maxsize=1 << 14)
def _frame_head(size: int) -> bytes:
    length = struct.pack("<Q", size)
    return length + _masked_crc(length)


def _masked_crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    rotated = (crc >> 15) | (crc << 17)
    return struct.pack("<I", (rotated + _MASK_DELTA) & 0xFFFFFFFF)


def _int_bytes(numbers: Sequence[int] | bytes) -> bytes:
    if isinstance(numbers, bytes):
        return numbers
    if len(numbers) > _FEW:
        return PackedInts(np.asarray(numbers)).all_bytes()
    if len(numbers) == 1:  # As most are, and it takes half of the time.
        return _varint(int(numbers[0]) & _MAX_UINT64)
    return b"".join(_varint(int(number) & _MAX_UINT64) for number in numbers)


def _float_bytes(numbers: Sequence[float] | bytes) -> bytes:
    if isinstance(numbers, bytes):
        return numbers
    return struct.pack(f"<{len(numbers)}f", *numbers)


@functools.lru_cache(maxsize=1 << 14)
def _before(key: str, kind: int, size: int) -> bytes:
    """Returns what comes before the values of a feature, given their bytes.

    Without values a feature of numbers keeps its type.
    """
    values = _head(_VALUES, size) if size or kind == _BYTES_LIST else b""
    feature = _head(kind, len(values) + size) + values
    name = key.encode()
    entry = _head(_KEY, len(name)) + name + _head(_FEATURE, len(feature) + size)
    return _head(_ENTRY, len(entry) + len(feature) + size) + entry + feature


def _head(tag: int, size: int) -> bytes:
    """Returns what comes before the bytes of a field."""
    return bytes([tag]) + _varint(size)


def _varint(number: int) -> bytes:
    """Returns seven bits a byte, the low ones first."""
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    parts.append(number)
    return bytes(parts)
