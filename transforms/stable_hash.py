"""A hash that is the same in every process, on every machine and in every release.

Python's own `hash()` of a text differs between processes, so that splits and shards
made with it could not be reproduced.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_DIGEST_SIZE = 8
_NUM_HASHES = 1 << (8 * _DIGEST_SIZE)
_SEPARATOR = "\x1f"


def stable_digest(seed: int, *texts: str) -> bytes:
    """Returns eight bytes that depend on the seed and on every text.

    Digests compare like the numbers they spell, so they serve as a sort key.
    """
    joined = _SEPARATOR.join((str(seed), *texts))
    return hashlib.blake2b(joined.encode(), digest_size=_DIGEST_SIZE).digest()


def stable_fraction(seed: int, *texts: str) -> float:
    """Returns the hash of the texts as a number in [0, 1), evenly spread."""
    digest = stable_digest(seed, *texts)
    # Dividing by 2 ** 64 could round up to 1.0; 53 bits are exact in a float.
    return (int.from_bytes(digest) >> 11) / (_NUM_HASHES >> 11)


def shard_of(key: str, num_shards: int) -> int:
    """Returns the shard of a key, in [0, num_shards)."""
    return int.from_bytes(stable_digest(0, "shard", key)) % num_shards


def stable_digests(seed: int, *texts: str, last: Iterable[bytes]) -> bytes:
    """Returns the digests, end to end, of the same texts with each of many last ones.

    Args:
        seed: As of `stable_digest`.
        *texts: All texts but the last one.
        last: The last texts, in UTF-8.
    """
    start = _SEPARATOR.join((str(seed), *texts, "")).encode()
    copy = hashlib.blake2b(start, digest_size=_DIGEST_SIZE).copy
    digests = []
    for text in last:
        one = copy()
        one.update(text)
        digests.append(one.digest())
    return b"".join(digests)


def joined_texts(*columns: pa.Array) -> list[bytes]:
    """Returns the texts of each row of columns, as `last` of `stable_digests`."""
    joined = pc.binary_join_element_wise(*columns, _SEPARATOR)
    texts: list[bytes] = joined.cast(pa.binary()).to_pylist()
    return texts


def digests_of(digests: bytes) -> list[bytes]:
    """Returns the single digests of those of `stable_digests`."""
    starts = range(0, len(digests), _DIGEST_SIZE)
    return [digests[start : start + _DIGEST_SIZE] for start in starts]


def digest_numbers(digests: bytes) -> npt.NDArray[np.uint64]:
    """Returns the numbers that digests, end to end, spell."""
    return np.frombuffer(digests, ">u8").astype(np.uint64)


def fractions(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Returns numbers of digests as those of `stable_fraction`."""
    return (numbers >> np.uint64(11)) / np.float64(_NUM_HASHES >> 11)


def shards_of(keys: Iterable[str], num_shards: int) -> npt.NDArray[np.integer[Any]]:
    """Returns the shard of each key, as `shard_of` does."""
    digests = stable_digests(0, "shard", last=(key.encode() for key in keys))
    return (digest_numbers(digests) % np.uint64(num_shards)).astype(np.int64)
