"""The users of one scenario with their clicks, joined from all shards."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.reading.coded_column import Floats, Ints, places_of, starts_of
from transforms.schema import META_TEST, META_VALIDATION

# What a pair of a user and an item is for. One of `LATER`, where users are split by
# time, is for the training on all clicks alone.
KNOWN, FOR_VALIDATION, FOR_TEST, LATER = range(4)
NUM_ROLES = 4

# What is held out of a task of a split.
ROLES = {META_VALIDATION: FOR_VALIDATION, META_TEST: FOR_TEST}


@dataclasses.dataclass(frozen=True)
class ScenarioUsers:
    """Some users of one scenario, in the order of their digests.

    Attributes:
        digests: Sort key of each user: which ones a scenario with too many clicks
            keeps; uint64.
        users: Their ids, a pyarrow array of texts.
        sizes: Clicks of each.
        places: Place in the pool of each click, user after user.
        roles: What each is for, as above; ascending for each user.
        folds: The fold of each click.
        times: Time of the first click of each pair; 0 where nothing goes by time.
        start: The earliest of them, of users that were trimmed away too.
        num_dropped: Clicks of users that were trimmed away.
    """

    digests: Ints
    users: pa.Array
    sizes: Ints
    places: Ints
    roles: Ints
    folds: Ints
    times: Floats
    start: float
    num_dropped: int = 0

    def take(self, users: Ints) -> ScenarioUsers:
        """Returns some of the users, in another order."""
        sizes = self.sizes[users]
        clicks = places_of(starts_of(self.sizes)[users], sizes)
        return dataclasses.replace(
            self,
            digests=self.digests[users],
            users=self.users.take(pa.array(users)),
            sizes=sizes,
            places=self.places[clicks],
            roles=self.roles[clicks],
            folds=self.folds[clicks],
            times=self.times[clicks],
        )

    def held_out_last(self, role: int, share: float) -> ScenarioUsers:
        """Holds out the last clicks for one role; others of that role are known.

        Args:
            role: As above.
            share: Which share of them is held out; see `num_held_out`.
        """
        clicks = np.flatnonzero(self.roles == role)
        num_known = len(clicks) - int(num_held_out(len(clicks), share))
        owners = np.repeat(np.arange(len(self.users)), self.sizes)
        by_time = np.lexsort(
            (self.places[clicks], self.digests[owners[clicks]], self.times[clicks])
        )
        roles = self.roles.copy()
        roles[clicks[by_time[:num_known]]] = KNOWN
        order = np.lexsort((roles, owners))
        return dataclasses.replace(
            self,
            places=self.places[order],
            roles=roles[order],
            folds=self.folds[order],
            times=self.times[order],
        )


def num_held_out(sizes: Ints | int, share: float) -> Floats:
    """Returns how many of so many clicks are held out, where the last are.

    Args:
        sizes: Clicks of a task, or of each of several.
        share: Which share is held out, rounded; one at least, and none of a single one.
    """
    held_out: Floats = np.maximum(np.rint(share * np.asarray(sizes)), 1)
    return held_out * (np.asarray(sizes) > 1)


class JoinUsers(beam.CombineFn):
    """Joins the users of one scenario without ever holding many more than are kept.

    Args:
        limit: Most clicks of a scenario.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def create_accumulator(self) -> list[ScenarioUsers]:
        """Starts with no user."""
        return []

    def add_input(
        self, joined: list[ScenarioUsers], users: ScenarioUsers
    ) -> list[ScenarioUsers]:
        """Adds the users of one shard."""
        return [join([*joined, users], self._limit)]

    def merge_accumulators(
        self, parts: Iterable[list[ScenarioUsers]]
    ) -> list[ScenarioUsers]:
        """Joins what other workers have joined."""
        joined = [one for part in parts for one in part]
        return [join(joined, self._limit)] if joined else []

    def extract_output(self, joined: list[ScenarioUsers]) -> ScenarioUsers:
        """Returns the users that are left."""
        (users,) = joined
        return users


def join(parts: Iterable[ScenarioUsers], limit: int) -> ScenarioUsers:
    """Joins users of one scenario and trims them; the order of the parts is no matter.

    Trimming keeps the first users until so many clicks are reached. What a part has
    trimmed away would not be among the first of all either.

    Args:
        parts: One or more, of different users.
        limit: As of `trim`.
    """
    parts = list(parts)
    columns = ("digests", "sizes", "places", "roles", "folds", "times")
    joined = ScenarioUsers(
        **{
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in columns
        },
        users=pa.concat_arrays([part.users for part in parts]),
        start=min(part.start for part in parts),
        num_dropped=sum(part.num_dropped for part in parts),
    )
    return trim(joined, limit)


def trim(scenario: ScenarioUsers, limit: int) -> ScenarioUsers:
    """Keeps the first users, by their digests, until so many clicks are reached.

    Args:
        scenario: Users in any order.
        limit: Most clicks, but for those of the last user that is kept.
    """
    keys = pa.table({"digest": scenario.digests, "user": scenario.users})
    order = pc.sort_indices(
        keys, sort_keys=[("digest", "ascending"), ("user", "ascending")]
    ).to_numpy()
    before = starts_of(scenario.sizes[order])
    kept = scenario.take(order[before < limit])
    num_dropped = int(scenario.sizes.sum()) - int(kept.sizes.sum())
    return dataclasses.replace(kept, num_dropped=kept.num_dropped + num_dropped)
