"""A hash that is the same in every process, on every machine and in every release.

Python's own `hash()` of a text differs between processes, so that splits and shards
made with it could not be reproduced.
"""

from __future__ import annotations

import hashlib

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
