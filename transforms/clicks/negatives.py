"""Items of a pool that a user did not click, drawn for each click."""

import dataclasses
import functools
import random
from collections.abc import Collection, Sequence
from hashlib import sha512
from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.reading.coded_column import Flags, Floats, Ints, places_of, starts_of

# Numbers drawn in step beyond those needed, since most of them are allowed.
_SPARE_SHARE, _SPARE = 0.15, 6
# Users drawn for in step, and what is held of their pools.
_USERS_AT_ONCE, _CELLS_AT_ONCE = 1 << 13, 1 << 23

# What the support, and what the query only, must avoid.
_KNOWN, _CLICKED = 2, 1

_Words = npt.NDArray[np.uint32]

_NUM_WORDS, _FAR = 624, 397
_FIRST_SEED = 19650218
_FIRST_FACTOR, _SECOND_FACTOR = np.uint32(1664525), np.uint32(1566083941)
_TWIST = np.uint32(0x9908B0DF)
_UPPER, _LOWER = np.uint32(0x80000000), np.uint32(0x7FFFFFFF)

# A number is made of two words; beyond these the state must be made anew.
MAX_NUMBERS = (_NUM_WORDS - _FAR) // 2


@dataclasses.dataclass(frozen=True)
class ToDraw:
    """What to draw for: clicks of the support, then of the query, user after user.

    Attributes:
        pool_size: Places to draw from.
        seeds: The seed of each user.
        num_support: Clicks of the support of each user; if there are any, places must
            be left for them.
        num_query: Clicks of the query, likewise.
        owners: User of each clicked place, ascending.
        places: The clicked places, different ones for each user.
        is_known: Whether the support avoids it; the query avoids all.
    """

    pool_size: int
    seeds: Sequence[bytes]
    num_support: Ints
    num_query: Ints
    owners: Ints
    places: Ints
    is_known: Flags

    @functools.cached_property
    def num_clicks(self) -> Ints:
        """Clicks of each user."""
        return self.num_support + self.num_query

    @functools.cached_property
    def num_places(self) -> Ints:
        """Clicked places of each user."""
        return np.bincount(self.owners, minlength=len(self.seeds))

    @functools.cached_property
    def num_known(self) -> Ints:
        """Places of each user that the support avoids."""
        return np.bincount(self.owners[self.is_known], minlength=len(self.seeds))

    def cells(self, users: Ints) -> tuple[Ints, Ints]:
        """Returns the clicked places of some users, as numbers, and their rows."""
        sizes = self.num_places[users]
        cells = places_of(starts_of(self.num_places)[users], sizes)
        return cells, np.repeat(np.arange(len(users)), sizes)


def draw_negatives(draw: ToDraw, num_negatives: int) -> Ints:
    """Draws places of a pool that are not to be avoided, evenly, for each click.

    Args:
        draw: The clicks.
        num_negatives: How many places for a click.

    Returns:
        [clicks, num_negatives] places: different ones for each click, but for pools
        with too few of them.
    """
    negatives = np.zeros((int(draw.num_clicks.sum()), num_negatives), np.intp)
    starts = starts_of(draw.num_clicks)
    alone = draw.num_clicks > 0
    for users in _in_step(draw, num_negatives):
        drawn, are_done = _draw_in_step(draw, users, num_negatives)
        done = users[are_done]
        sizes = draw.num_clicks[done]
        of_click = np.arange(drawn.shape[1]) < sizes[:, np.newaxis]
        negatives[places_of(starts[done], sizes)] = drawn[are_done][of_click]
        alone[done] = False
    for user in np.flatnonzero(alone).tolist():
        of_user = slice(starts[user], starts[user] + draw.num_clicks[user])
        negatives[of_user] = _draw_alone(draw, user, num_negatives)
    return negatives


def draw_some(
    generator: random.Random,
    pool_size: int,
    avoided: Collection[int],
    num_negatives: int,
    num_clicks: int,
) -> list[list[int]]:
    """Draws places of a pool that are not to be avoided, evenly, for each click.

    Args:
        generator: Source of chance.
        pool_size: Places to draw from.
        avoided: Places not to draw, a set; some must be left.
        num_negatives: How many places for a click.
        num_clicks: Clicks to draw for.

    Returns:
        The places of each click: different ones, but for pools with too few of them.
    """
    every: list[list[int]] = []
    num_left = pool_size - len(avoided)
    if _is_sparse(pool_size, num_left, num_negatives):
        chance = generator.random
        for _ in range(num_clicks):
            drawn: list[int] = []
            while len(drawn) < num_negatives:  # Most draws are new and allowed.
                place = int(chance() * pool_size)
                if place not in avoided and place not in drawn:
                    drawn.append(place)
            every.append(drawn)
        return every
    left = [place for place in range(pool_size) if place not in avoided]
    for _ in range(num_clicks):
        if num_left >= num_negatives:
            every.append(generator.sample(left, num_negatives))
        else:
            every.append(generator.choices(left, k=num_negatives))
    return every


def _is_sparse(pool_size: int, num_left: Any, num_negatives: int) -> Any:
    """Says whether most draws of a pool are allowed, given what is left of it."""
    return (num_left >= 2 * num_negatives) & (2 * num_left >= pool_size)


def _in_step(draw: ToDraw, num_negatives: int) -> list[Ints]:
    """Returns groups of users that can be drawn for in step, alike in their needs."""
    fits = np.array([any(seed[:4]) for seed in draw.seeds], np.bool_)
    for num_avoided, num_clicks in (
        (draw.num_known, draw.num_support),
        (draw.num_places, draw.num_query),
    ):
        num_left = draw.pool_size - num_avoided
        fits &= _is_sparse(draw.pool_size, num_left, num_negatives) | (num_clicks == 0)
    fits &= _num_numbers(draw.num_clicks * num_negatives) <= MAX_NUMBERS
    users = np.flatnonzero(fits & (draw.num_clicks > 0))
    users = users[np.argsort(draw.num_clicks[users], kind="stable")]
    at_once = max(min(_USERS_AT_ONCE, _CELLS_AT_ONCE // draw.pool_size), 1)
    return [users[n : n + at_once] for n in range(0, len(users), at_once)]


def _num_numbers(needed: Ints) -> Ints:
    return (needed * (1 + _SPARE_SHARE)).astype(np.int64) + _SPARE


def _draw_in_step(draw: ToDraw, users: Ints, num_negatives: int) -> tuple[Ints, Flags]:
    """Draws for users as `draw_some` would for each of them.

    Returns:
        [users, clicks, num_negatives] places, and whether all that a user needs are
        there.
    """
    cells, rows = draw.cells(users)
    avoided = np.zeros((len(users), draw.pool_size), np.uint8)
    avoided[rows, draw.places[cells]] = np.where(draw.is_known[cells], _KNOWN, _CLICKED)
    needed = draw.num_clicks[users] * num_negatives
    of_support = draw.num_support[users] * num_negatives
    most = int(needed[-1])
    numbers = first_randoms(
        [draw.seeds[user] for user in users.tolist()],
        int(_num_numbers(needed[-1:])[0]),
    )
    drawn = np.zeros((len(users), most), np.intp)
    num_drawn = np.zeros(len(users), np.int64)
    everyone = np.arange(len(users))
    for places in _places(numbers, draw.pool_size):
        limit = np.where(num_drawn < of_support, _KNOWN, _CLICKED)
        is_new = (avoided[everyone, places] < limit) & (num_drawn < needed)
        of_click = num_drawn % num_negatives
        for back in range(1, num_negatives):
            is_same = drawn[everyone, num_drawn - back] == places
            is_new &= ~(is_same & (of_click >= back))
        rows = np.flatnonzero(is_new)
        drawn[rows, num_drawn[rows]] = places[rows]
        num_drawn[rows] += 1
    return drawn.reshape(len(users), -1, num_negatives), num_drawn == needed


def _places(numbers: Floats, pool_size: int) -> Ints:
    return (numbers * pool_size).astype(np.intp)


def _draw_alone(draw: ToDraw, user: int, num_negatives: int) -> list[list[int]]:
    """Draws for one user."""
    generator = random.Random(draw.seeds[user])
    cells, _ = draw.cells(np.array([user]))
    clicked = set(draw.places[cells].tolist())
    known = set(draw.places[cells][draw.is_known[cells]].tolist())
    drawn: list[list[int]] = []
    for avoided, num_clicks in (
        (known, draw.num_support[user]),
        (clicked, draw.num_query[user]),
    ):
        if num_clicks:
            drawn += draw_some(
                generator, draw.pool_size, avoided, num_negatives, int(num_clicks)
            )
    return drawn


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
