"""Vectors of users and items from collaborative filtering, in fold and out of it."""

import dataclasses
from typing import Self, TypeAlias

import numpy as np

from models.factors.factorisation import Floats

Blends: TypeAlias = tuple[tuple[float, float], tuple[float, float]]


@dataclasses.dataclass(frozen=True, eq=False)
class Vectors:
    """Vectors of users and items from several fits. Row 0 is the unknown entity.

    Fits come in groups of `per_fold`: the first group has seen all known clicks, group
    f + 1 all but those of fold f. Where a group has two fits, the first knows the pools
    of scenarios and the second, for tasks without a pool, does not. The fits are turned
    to agree, so that one unit means the same in all of them.

    Attributes:
        users: float32 [fits, num_users + 1, D]; [fits, 1, D] where users are tasks.
        items: float32 [fits, num_items + 1, D].
        num_fallbacks: Users and items without a click in each fit, which have the
            vector of others: (users, items) by fit.
        num_further: Units at the end that no pair is embedded by.
        num_linear: The first of these, which the linear model of items has: the sum of
            those of a few items says how close any item is to them. They are not
            turned, and mean something within one fit. The unit behind them is what a
            click of an item weighs in that sum, 0 for users.
        blends: What the factors and the units of the linear model weigh in the dot
            product: where a pool is given, and where none is.
        strengths: float32 [L], by how much each of them outweighs its ridge, in the
            first fit to all known clicks; of several domains the mean.
        ridge_clicks: Clicks at which the ridge is doubled; 0 if it never is.
        mean_weight: As of `FactorisationOptions`.
        count_weight: As of `FactorisationOptions`.
        per_fold: Fits of a group, 1 or 2.
    """

    users: Floats
    items: Floats
    num_fallbacks: tuple[tuple[int, int], ...] = ()
    num_further: int = 0
    num_linear: int = 0
    per_fold: int = 1
    blends: Blends = ((1.0, 1.0), (1.0, 1.0))
    strengths: Floats = dataclasses.field(
        default_factory=lambda: np.zeros(0, np.float32)
    )
    ridge_clicks: float = 0.0
    count_weight: float = 0.0
    mean_weight: float = 0.0

    @property
    def width(self) -> int:
        """Units that pairs are embedded by."""
        return int(self.users.shape[-1]) - self.num_further

    def embedding(self) -> Self:
        """Returns the units that pairs are embedded by."""
        return dataclasses.replace(
            self,
            users=self.users[..., : self.width],
            items=self.items[..., : self.width],
            num_further=0,
            num_linear=0,
        )

    @property
    def unit_weights(self) -> Floats:
        """What units weigh in the dot product, float32 [2, D]: with a pool, without."""
        weights = np.ones([2, self.users.shape[-1]], np.float32)
        linear = slice(self.width, self.width + self.num_linear)
        for of_units, (factors, items) in zip(weights, self.blends, strict=True):
            of_units[: self.width] = factors
            of_units[linear] = items
        return weights

    def complete(self) -> Self:
        """Returns the fits that have seen all known clicks."""
        return dataclasses.replace(
            self, users=self.users[: self.per_fold], items=self.items[: self.per_fold]
        )

    @property
    def open_fit(self) -> int:
        """The place of the fit to all known clicks that knows no pool."""
        return self.per_fold - 1
