"""Pseudo-random numbers that order pairs with equal scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def scramble(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mixes the bits of each number (the splitmix64 finaliser), into a fresh array."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
