"""The users of one scenario with their clicks, joined from all shards."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

import apache_beam as beam

from transforms.reading.beam_hints import no_beam_hints


class ScenarioUser(NamedTuple):
    """The clicks of one user in one scenario.

    Attributes:
        digest: Sort key: which users a scenario with too many clicks keeps.
        user_id: The user.
        known: Item ids of known pairs.
        for_validation: Item ids of pairs that are held out for meta-validation.
        for_test: Item ids of pairs that are held out for meta-test.
        folds: The fold of each known pair.
    """

    digest: bytes
    user_id: str
    known: tuple[str, ...]
    for_validation: tuple[str, ...]
    for_test: tuple[str, ...]
    folds: tuple[int, ...]

    @property
    def num_clicks(self) -> int:
        """Known and held-out clicks."""
        return len(self.known) + len(self.for_validation) + len(self.for_test)


@dataclasses.dataclass
class ScenarioUsers:
    """Some users of one scenario, in the order of their digests.

    Attributes:
        users: Those that are kept.
        num_dropped: Clicks of users that were trimmed away.
    """

    users: list[ScenarioUser] = dataclasses.field(default_factory=list)
    num_dropped: int = 0

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles plain tuples, which takes less."""
        return _scenario_users, (list(map(tuple, self.users)), self.num_dropped)


def _scenario_users(users: list[tuple[Any, ...]], num_dropped: int) -> ScenarioUsers:
    return ScenarioUsers(list(map(ScenarioUser._make, users)), num_dropped)


class JoinUsers(beam.CombineFn):
    """Joins the users of one scenario without ever holding many more than are kept.

    Args:
        limit: Most clicks of a scenario.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    @no_beam_hints
    def create_accumulator(self) -> ScenarioUsers:
        """Starts with no user."""
        return ScenarioUsers()

    @no_beam_hints
    def add_input(self, joined: ScenarioUsers, users: ScenarioUsers) -> ScenarioUsers:
        """Adds the users of one shard."""
        return join([joined, users], self._limit)

    @no_beam_hints
    def merge_accumulators(self, parts: Iterable[ScenarioUsers]) -> ScenarioUsers:
        """Joins what other workers have joined."""
        return join(parts, self._limit)

    @no_beam_hints
    def extract_output(self, joined: ScenarioUsers) -> ScenarioUsers:
        """Returns the users that are left."""
        return joined


def join(parts: Iterable[ScenarioUsers], limit: int) -> ScenarioUsers:
    """Joins users of one scenario and trims them; the order of the parts is no matter.

    Trimming keeps the first users until so many clicks are reached. What a part has
    trimmed away would not be among the first of all either.
    """
    joined = ScenarioUsers()
    for part in parts:
        joined.users += part.users
        joined.num_dropped += part.num_dropped
    joined.users.sort()
    return trim(joined, limit)


def trim(scenario: ScenarioUsers, limit: int) -> ScenarioUsers:
    """Keeps the first users until so many clicks are reached.

    Args:
        scenario: Users in the order of their digests.
        limit: Most clicks, but for those of the last user that is kept.
    """
    num_clicks = 0
    for place, user in enumerate(scenario.users):
        if num_clicks >= limit:
            dropped = sum(other.num_clicks for other in scenario.users[place:])
            num_dropped = scenario.num_dropped + dropped
            return ScenarioUsers(scenario.users[:place], num_dropped)
        num_clicks += user.num_clicks
    return scenario
