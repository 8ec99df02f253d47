"""Clicks of one shard of users: known or held out, and by scenario."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.clicks.clicks import ClickBlock, domain_order, raw_id
from transforms.clicks.merged_pools import Pools
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.reading.beam_hints import no_beam_hints
from transforms.row_counts import RowCounts
from transforms.schema import META_TEST, META_VALIDATION
from transforms.stable_hash import stable_digest, stable_fraction
from transforms.writing.counters import count_dropped
from transforms.writing.output_files import OutputFiles

# Kinds of output of `SplitUsers`.
USERS = "users"
SCENARIOS = "scenarios"

REPEATED_CLICK = "repeated_click"

_USERS = Metrics.counter("cmml", "users_split")

# What a shard knows of a user: the scenarios that each item was clicked in. A log that
# does not say scenarios leaves the set empty.
ItemsOfUser = dict[str, set[str]]


class UserClicks(NamedTuple):
    """The clicks of one user, each item once.

    Attributes:
        user_id: The user.
        known: Item ids of known pairs.
        folds: The fold of each of them.
        held_out: Item ids of pairs that are held out, by the split they are held out
            for.
        held_out_folds: The fold of each of these, once they may be learnt from.
    """

    user_id: str
    known: list[str]
    folds: list[int]
    held_out: dict[str, list[str]]
    held_out_folds: Sequence[int] = ()


@dataclasses.dataclass
class UserShard:
    """The users of one shard.

    Attributes:
        shard: Its number.
        users: In the order of their ids.
        counts: What became of the rows of each log that they come from.
        scenarios: Rows of each scenario that a log says.
    """

    shard: int
    users: list[UserClicks]
    counts: dict[str, RowCounts]
    scenarios: Counter[str] = dataclasses.field(default_factory=Counter)


class ScenarioUser(NamedTuple):
    """The clicks of one user in one scenario.

    Attributes:
        digest: Sort key: which users a scenario with too many clicks keeps.
        user_id: The user.
        known: Item ids of known pairs.
        for_validation: Item ids of pairs that are held out for meta-validation.
        for_test: Item ids of pairs that are held out for meta-test.
    """

    digest: bytes
    user_id: str
    known: tuple[str, ...]
    for_validation: tuple[str, ...]
    for_test: tuple[str, ...]

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


class SplitUsers(beam.DoFn):
    """Splits the pairs of each user, and groups them by scenario.

    Input: (shard, `ClickBlock`s). The pools must be written.
    Output: a `UserShard` of kind `users`, (scenario id, `ScenarioUsers`) of kind
        `scenarios`, trimmed to the most clicks of a scenario.

    Args:
        spec: The data set.
        files: The output directory.
    """

    def __init__(self, spec: ScenarioDatasetSpec, files: OutputFiles) -> None:
        super().__init__()
        self._spec = spec
        self._files = files
        self._pools: Pools | None = None

    @no_beam_hints
    def process(
        self, group: tuple[int, Iterable[ClickBlock]]
    ) -> Iterator[tuple[str, Any]]:
        """Splits the pairs of one shard."""
        shard, blocks = group
        blocks = list(blocks)
        pools = self._pools = self._pools or Pools.read(self._files)
        users, counts = items_by_user(blocks)
        scenarios = Counter(itertools.chain(*(block.scenarios for block in blocks)))
        del scenarios[""]
        split = [
            split_pairs(user_id, users[user_id], self._spec)
            for user_id in sorted(users, key=domain_order(self._spec.domain_names))
        ]
        by_scenario: dict[str, ScenarioUsers] = {}
        for clicks in split:
            items = users[clicks.user_id]
            for scenario_id, user in clicks_by_scenario(
                clicks, items, pools, self._spec
            ):
                by_scenario.setdefault(scenario_id, ScenarioUsers()).users.append(user)
        limit = self._spec.episodes.max_clicks_per_scenario
        for scenario_id, scenario in by_scenario.items():
            scenario.users.sort()
            trimmed = trim(scenario, limit)
            yield SCENARIOS, (scenario_id, trimmed)
        _USERS.inc(len(split))
        for count in counts.values():
            count_dropped(count.left_out)
        yield USERS, UserShard(shard, split, counts, scenarios)


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


def items_by_user(
    blocks: Iterable[ClickBlock],
) -> tuple[dict[str, ItemsOfUser], dict[str, RowCounts]]:
    """Collects the different items of each user.

    Returns:
        Scenarios by item by user, and what became of the rows of each log: a row that
        repeats an earlier one is left out.
    """
    users: dict[str, ItemsOfUser] = {}
    counts: dict[str, RowCounts] = {}
    for block in filter(lambda block: block.users, blocks):
        num_different = 0
        rows = zip(block.users, block.items, block.scenarios, strict=True)
        for user_id, item_id, scenario_id in rows:
            items = users.setdefault(user_id, {})
            is_new = item_id not in items
            scenarios = items.setdefault(item_id, set())
            if scenario_id and scenario_id not in scenarios:
                scenarios.add(scenario_id)
                is_new = True
            num_different += is_new
        num_repeated = len(block.users) - num_different
        left_out = +Counter({REPEATED_CLICK: num_repeated})
        count = RowCounts(used=num_different, left_out=left_out)
        counts.setdefault(block.table, RowCounts()).merge(count)
    return users, counts


def split_pairs(
    user_id: str, items: Iterable[str], spec: ScenarioDatasetSpec
) -> UserClicks:
    """Holds out some pairs of a user and gives the others a fold, by stable hashes."""
    split = spec.split
    clicks = UserClicks(user_id, [], [], {META_VALIDATION: [], META_TEST: []})
    raw_user = raw_id(user_id, spec.domain_names)
    for item_id in sorted(items, key=domain_order(spec.domain_names)):
        raw_item = raw_id(item_id, spec.domain_names)
        share = stable_fraction(split.seed, "held_out", raw_user, raw_item)
        if share < split.held_out_fraction:
            share = stable_fraction(split.seed, "held_out_for", raw_user, raw_item)
            is_test = share >= split.held_out_for_validation
            clicks.held_out[META_TEST if is_test else META_VALIDATION].append(item_id)
        else:
            clicks.known.append(item_id)
            clicks.folds.append(fold_of(spec, raw_user, raw_item))
    held_out = (item_id for items in clicks.held_out.values() for item_id in items)
    raw_items = (raw_id(item_id, spec.domain_names) for item_id in held_out)
    folds = [fold_of(spec, raw_user, raw_item) for raw_item in raw_items]
    return clicks._replace(held_out_folds=folds)


def fold_of(spec: ScenarioDatasetSpec, raw_user: str, raw_item: str) -> int:
    """Returns the fold of a pair."""
    share = stable_fraction(spec.split.seed, "fold", raw_user, raw_item)
    return int(share * spec.split.num_folds)


def clicks_by_scenario(
    clicks: UserClicks, items: ItemsOfUser, pools: Pools, spec: ScenarioDatasetSpec
) -> Iterator[tuple[str, ScenarioUser]]:
    """Yields what a user clicked in each scenario.

    Args:
        clicks: The pairs of the user, split.
        items: The scenarios that each item was clicked in, if the log says them.
        pools: The scenarios of each item.
        spec: Seed of the digests, and the domains.
    """
    scenarios: dict[str, tuple[list[str], list[str], list[str]]] = {}
    roles = clicks.known, clicks.held_out[META_VALIDATION], clicks.held_out[META_TEST]
    for role, item_ids in enumerate(roles):
        for item_id in item_ids:
            logged = items[item_id]
            for scenario_id in pools.scenarios.get(item_id, ()):
                if not logged or scenario_id in logged:
                    by_role = scenarios.setdefault(scenario_id, ([], [], []))
                    by_role[role].append(item_id)
    for scenario_id, by_role in scenarios.items():
        raw_ids = (raw_id(i, spec.domain_names) for i in (scenario_id, clicks.user_id))
        digest = stable_digest(spec.split.seed, "user", *raw_ids)
        yield (
            scenario_id,
            ScenarioUser(digest, clicks.user_id, *map(tuple, by_role)),
        )


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
