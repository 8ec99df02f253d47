"""Fits of factors without each fold of users, and of all of them."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.factors.entity_design import EntityDesign
from models.factors.factor_fit import (
    FactorFit,
    PriorParts,
    fit_factors,
    sweeps_for,
    turn,
)
from models.factors.labelled_pairs import LabelledPairs

NUM_FOLDS = 4
_MAX_MEMORY = 1 << 30  # Of fits that run at once, in bytes; one may take more.
_BYTES_OF_PAIR = 32  # Sorted by user and by item.


class FoldFits(NamedTuple):
    """Fits whose factors mean the same.

    Attributes:
        fits: One without each fold of users, then the one of all users.
        fold_of_user: int32 [U + 1]; `NUM_FOLDS`, which no fit is without, for users
            without a pair.
    """

    fits: list[FactorFit]
    fold_of_user: NDArray[np.int32]


def fit_in_folds(
    pairs: LabelledPairs,
    designs: tuple[EntityDesign, EntityDesign],
    parts: PriorParts,
    levels: NDArray[np.floating],
    *,
    seed: int,
    on_fit: Callable[[], object] = lambda: None,
) -> FoldFits:
    """Fits factors to all pairs, and to all but those of each fold of users.

    The fits are turned to agree with the whole one; the turn is all they take from it.

    Args:
        pairs: All pairs that are learnt from.
        designs: Features of users and of items.
        parts: What is fitted.
        levels: float [L], label levels whose shares are counted.
        seed: Seed of the folds and of the initial factors.
        on_fit: Called after each of the `NUM_FOLDS` + 1 fits.
    """
    rng = np.random.default_rng(seed)
    folds = np.full(pairs.num_users + 1, NUM_FOLDS, np.int32)
    users = np.unique(pairs.user)
    # Shuffled and dealt out, so that no fold of a few users is empty.
    folds[rng.permutation(users)] = np.arange(len(users)) % NUM_FOLDS

    sweeps = sweeps_for(pairs)  # As many for all of them, though some have fewer pairs.

    def fit_without(fold: int) -> FactorFit:
        others = pairs.subset(folds[pairs.user] != fold)
        return fit_factors(others, designs, parts, levels, seed, sweeps)

    # No user with pairs is in the last fold: the whole fit is without it.
    every, at_once = range(NUM_FOLDS + 1), fits_at_once(pairs, parts.rank)
    if at_once == 1:  # Memory that another thread gives back is not all used again.
        *fits, whole = _counted(map(fit_without, every), on_fit)
    else:  # Most of the work lets other threads run.
        with ThreadPoolExecutor(at_once) as pool:
            *fits, whole = _counted(pool.map(fit_without, every), on_fit)
    turned = [fit.turned(turn(fit.factors, whole.factors)) for fit in fits]
    return FoldFits([*turned, whole], folds)


def _counted(
    fits: Iterable[FactorFit], on_fit: Callable[[], object]
) -> Iterator[FactorFit]:
    """Yields fits as they come, and tells of each."""
    for fit in fits:
        on_fit()
        yield fit


def fits_at_once(pairs: LabelledPairs, rank: int) -> int:
    """Returns how many fits may run beside each other, by processors and memory."""
    width = rank + 2
    of_rows = (pairs.num_users + pairs.num_items) * width * (2 * width + 18)
    in_memory = _MAX_MEMORY // (of_rows + _BYTES_OF_PAIR * len(pairs.user))
    return max(min(os.cpu_count() or 1, in_memory), 1)
