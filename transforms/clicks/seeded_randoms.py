"""The first random numbers of many seeds at once, as `random.Random` draws them.

To seed a Mersenne Twister takes longer than to draw a few numbers of it. Here it is
done for thousands of seeds in step.

Source: Matsumoto and Nishimura, "Mersenne Twister", 1998, with `init_by_array` of their
version of 2002; `random.seed`, version 2, for how bytes become its key.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from hashlib import sha512

import numpy as np
import numpy.typing as npt

_Words = npt.NDArray[np.uint32]

_NUM_WORDS, _FAR = 624, 397
_FIRST_SEED = 19650218
_FIRST_FACTOR, _SECOND_FACTOR = np.uint32(1664525), np.uint32(1566083941)
_TWIST = np.uint32(0x9908B0DF)
_UPPER, _LOWER = np.uint32(0x80000000), np.uint32(0x7FFFFFFF)

# A number is made of two words; beyond these the state must be made anew.
MAX_NUMBERS = (_NUM_WORDS - _FAR) // 2


def first_randoms(seeds: Sequence[bytes], num_numbers: int) -> npt.NDArray[np.float64]:
    """Returns what `random.Random(seed).random()` gives first.

    Args:
        seeds: Seeds of equal length, a multiple of four bytes, whose first four bytes
            are not all zero.
        num_numbers: How many numbers of each, at most `MAX_NUMBERS`.

    Returns:
        float64 [num_numbers, seeds], in [0, 1).
    """
    state = _states(_keys(seeds))
    num_words = 2 * num_numbers
    near = state[: num_words + 1]
    mixed = (near[:-1] & _UPPER) | (near[1:] & _LOWER)
    words = state[_FAR : _FAR + num_words] ^ (mixed >> np.uint32(1))
    words ^= (mixed & np.uint32(1)) * _TWIST
    words ^= words >> np.uint32(11)
    words ^= (words << np.uint32(7)) & np.uint32(0x9D2C5680)
    words ^= (words << np.uint32(15)) & np.uint32(0xEFC60000)
    words ^= words >> np.uint32(18)
    high, low = words[::2] >> np.uint32(5), words[1::2] >> np.uint32(6)
    numbers: npt.NDArray[np.float64] = (high * 2.0**26 + low) / 2.0**53
    return numbers


def _keys(seeds: Sequence[bytes]) -> _Words:
    """Returns the words of the number that each seed stands for, the low one first."""
    data = b"".join(seed + sha512(seed).digest() for seed in seeds)
    words = np.frombuffer(data, ">u4").reshape(len(seeds), -1)
    return np.ascontiguousarray(words[:, ::-1].T, np.uint32)


def _states(keys: _Words) -> _Words:
    """Returns the state of `init_by_array`, [624, keys].

    Args:
        keys: [words of a key, keys].
    """
    first = _first_state()
    indexed = keys + np.arange(len(keys), dtype=np.uint32)[:, np.newaxis]
    state = np.empty((_NUM_WORDS, keys.shape[1]), np.uint32)
    state[0] = first[0]
    mixed = np.empty_like(state[0])

    def mix(before: _Words, factor: np.uint32, word: _Words | np.uint32) -> None:
        np.right_shift(before, np.uint32(30), out=mixed)
        np.bitwise_xor(mixed, before, out=mixed)
        np.multiply(mixed, factor, out=mixed)
        np.bitwise_xor(mixed, word, out=mixed)

    for place in range(1, _NUM_WORDS):
        mix(state[place - 1], _FIRST_FACTOR, first[place])
        np.add(mixed, indexed[(place - 1) % len(keys)], out=state[place])
    mix(state[-1], _FIRST_FACTOR, state[1])
    np.add(mixed, indexed[(_NUM_WORDS - 1) % len(keys)], out=state[1])
    for place in range(2, _NUM_WORDS):
        mix(state[place - 1], _SECOND_FACTOR, state[place])
        np.subtract(mixed, np.uint32(place), out=state[place])
    mix(state[-1], _SECOND_FACTOR, state[1])
    np.subtract(mixed, np.uint32(1), out=state[1])
    state[0] = _UPPER
    return state


@functools.cache
def _first_state() -> _Words:
    """Returns the state of `init_genrand`, the same for every key."""
    words = [_FIRST_SEED]
    for place in range(1, _NUM_WORDS):
        before = words[-1] ^ words[-1] >> 30
        words.append((1812433253 * before + place) & 0xFFFFFFFF)
    return np.array(words, np.uint32)
