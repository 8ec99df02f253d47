"""Clicks of a scenario in the order they are drawn, each with its negatives."""

from __future__ import annotations

import array
import dataclasses
import random
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from transforms.clicks.clicks import raw_id
from transforms.clicks.scenario_users import ScenarioUser
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.stable_hash import digest_numbers, stable_digest, stable_digests


def _no_numbers() -> array.array[int]:
    return array.array("i")


@dataclasses.dataclass
class Clicks:
    """Clicks of a task with their negatives, by column.

    Attributes:
        users: User ids.
        items: Places in the pool.
        folds: Fold of each; empty where it does not matter.
        negatives: Places in the pool, as many for each click as the records hold.
    """

    users: list[str] = dataclasses.field(default_factory=list)
    items: array.array[int] = dataclasses.field(default_factory=_no_numbers)
    folds: array.array[int] = dataclasses.field(default_factory=_no_numbers)
    negatives: array.array[int] = dataclasses.field(default_factory=_no_numbers)


def draw_negatives(
    generator: random.Random,
    pool_size: int,
    avoided: set[int],
    num_negatives: int,
    num_clicks: int,
) -> list[int]:
    """Draws places of a pool that are not to be avoided, evenly, for each click.

    Args:
        generator: Source of chance.
        pool_size: Places to draw from.
        avoided: Places not to draw.
        num_negatives: How many places for a click.
        num_clicks: Clicks to draw for.

    Returns:
        The places, click after click: different ones for each, but for pools with too
        few of them; none if there is none.
    """
    num_left = pool_size - len(avoided)
    every: list[int] = []
    if num_left <= 0:
        return every
    if num_left >= 2 * num_negatives and 2 * num_left >= pool_size:
        chance = generator.random
        for _ in range(num_clicks):
            drawn: list[int] = []
            while len(drawn) < num_negatives:  # Most draws are new and allowed.
                place = int(chance() * pool_size)
                if place not in avoided and place not in drawn:
                    drawn.append(place)
            every += drawn
        return every
    left = [place for place in range(pool_size) if place not in avoided]
    for _ in range(num_clicks):
        if num_left >= num_negatives:
            every += generator.sample(left, num_negatives)
        else:
            every += generator.choices(left, k=num_negatives)
    return every


@dataclasses.dataclass
class DrawnClicks:
    """Clicks of a task with their negatives, user after user.

    Attributes:
        digests: The digest that each is sorted by, end to end.
        users: User ids.
        items: Places in the pool.
        folds: Fold of each, where it matters.
        negatives: Places in the pool.
    """

    digests: bytearray = dataclasses.field(default_factory=bytearray)
    users: list[str] = dataclasses.field(default_factory=list)
    items: list[int] = dataclasses.field(default_factory=list)
    folds: list[int] = dataclasses.field(default_factory=list)
    negatives: list[int] = dataclasses.field(default_factory=list)

    def in_order(self, limit: int | None) -> Clicks:
        """Returns the first clicks in the order of their digests."""
        if not self.items:
            return Clicks()
        order = np.argsort(digest_numbers(bytes(self.digests)), kind="stable")[:limit]
        negatives = np.array(self.negatives, np.intc).reshape(len(self.items), -1)
        return Clicks(
            [self.users[place] for place in order.tolist()],
            _numbers(np.array(self.items, np.intc)[order]),
            _numbers(np.array(self.folds, np.intc)[order])
            if self.folds
            else (_no_numbers()),
            _numbers(negatives[order]),
        )


def _numbers(values: npt.NDArray[np.intc]) -> array.array[int]:
    return array.array("i", values.tobytes())


class UserChance:
    """Draws order and negatives of the clicks of one user in one scenario.

    Args:
        generator: Is seeded for the user.
        raw_ids: Scenario and user, as they came.
        places: Place in the pool of each item.
        spec: Seed and number of negatives.
    """

    def __init__(
        self,
        generator: random.Random,
        raw_ids: tuple[str, ...],
        places: Mapping[str, int],
        spec: ScenarioDatasetSpec,
    ) -> None:
        self._generator = generator
        self._raw_ids = raw_ids
        self._places = places
        self._spec = spec
        generator.seed(stable_digest(spec.split.seed, *raw_ids))

    def draw(
        self,
        drawn: DrawnClicks,
        user: ScenarioUser,
        item_ids: Sequence[str],
        folds: Sequence[int],
        avoided: set[int],
    ) -> int:
        """Adds clicks to others; returns how many: none if there is no negative."""
        spec = self._spec
        negatives = draw_negatives(
            self._generator,
            len(self._places),
            avoided,
            spec.episodes.num_negatives,
            len(item_ids),
        )
        if not negatives:
            return 0
        names = spec.domain_names
        raw_items = (raw_id(item_id, names).encode() for item_id in item_ids)
        drawn.digests += stable_digests(
            spec.split.seed, "order", *self._raw_ids, last=raw_items
        )
        drawn.users += [user.user_id] * len(item_ids)
        drawn.items += [self._places[item_id] for item_id in item_ids]
        drawn.folds += folds
        drawn.negatives += negatives
        return len(item_ids)
