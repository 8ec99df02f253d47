"""Pseudo-random numbers of users that last: who is asked about when not all are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def lasting_chance(
    task_key: int, users: NDArray[np.integer], salt: int
) -> NDArray[np.uint64]:
    """Returns a pseudo-random number of each user of a scenario, uint64 [U].

    Args:
        task_key: A lasting number of the scenario.
        users: int [U], rows.
        salt: Another number of the scenario, such as an item of it.
    """
    seeded = _scramble(np.asarray([0, task_key]).astype(np.uint64))
    of_task = _scramble(seeded[:1] ^ seeded[1:])
    of_user = _scramble(of_task ^ users.astype(np.uint64))
    return _scramble(of_user ^ np.uint64(salt))


def _scramble(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mixes the bits of each number (the splitmix64 finaliser), into a fresh array."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
