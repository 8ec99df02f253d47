"""Clicks of one shard of users: known or held out, and by scenario."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics

from transforms.clicks.clicks import ClickBlock, domain_order, raw_id
from transforms.clicks.merged_pools import Pools
from transforms.clicks.scenario_users import ScenarioUser, ScenarioUsers, trim
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.coded_column import Floats
from transforms.row_counts import RowCounts
from transforms.schema import META_TEST, META_VALIDATION
from transforms.stable_hash import (
    digest_numbers,
    fractions,
    stable_digest,
    stable_digests,
)
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
        order = domain_order(self._spec.domain_names)
        different = set(itertools.chain.from_iterable(users.values()))
        ordered = sorted(different, key=order)
        places = {item_id: place for place, item_id in enumerate(ordered)}
        split = [
            split_pairs(
                user_id, sorted(users[user_id], key=places.__getitem__), self._spec
            )
            for user_id in sorted(users, key=order)
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
    user_id: str, items: Sequence[str], spec: ScenarioDatasetSpec
) -> UserClicks:
    """Holds out some pairs of a user and gives the others a fold, by stable hashes.

    Args:
        user_id: The user.
        items: The items of the pairs, in the order of `domain_order`.
        spec: Seed and shares.
    """
    split = spec.split
    raw_user = raw_id(user_id, spec.domain_names)
    raw_items = [raw_id(item_id, spec.domain_names).encode() for item_id in items]

    def shares(salt: str) -> Floats:
        digests = stable_digests(split.seed, salt, raw_user, last=raw_items)
        return fractions(digest_numbers(digests))

    folds = (shares("fold") * split.num_folds).astype(int).tolist()
    is_held_out = shares("held_out") < split.held_out_fraction
    is_for_test = shares("held_out_for") >= split.held_out_for_validation
    known, validation, test = (
        np.flatnonzero(chosen).tolist()
        for chosen in (
            ~is_held_out,
            is_held_out & ~is_for_test,
            is_held_out & is_for_test,
        )
    )
    return UserClicks(
        user_id,
        [items[place] for place in known],
        [folds[place] for place in known],
        {
            META_VALIDATION: [items[place] for place in validation],
            META_TEST: [items[place] for place in test],
        },
        [folds[place] for place in (*validation, *test)],
    )


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
    scenarios: dict[str, tuple[list[Any], ...]] = {}
    roles = (
        (clicks.known, clicks.folds),
        (clicks.held_out[META_VALIDATION], itertools.repeat(0)),
        (clicks.held_out[META_TEST], itertools.repeat(0)),
    )
    for role, (item_ids, folds) in enumerate(roles):
        for item_id, fold in zip(item_ids, folds, strict=False):
            logged = items[item_id]
            for scenario_id in pools.scenarios.get(item_id, ()):
                if not logged or scenario_id in logged:
                    by_role = scenarios.get(scenario_id)
                    if by_role is None:
                        by_role = scenarios[scenario_id] = ([], [], [], [])
                    by_role[role].append(item_id)
                    if not role:
                        by_role[3].append(fold)
    raw_user = raw_id(clicks.user_id, spec.domain_names)
    for scenario_id, by_role in scenarios.items():
        raw_scenario = raw_id(scenario_id, spec.domain_names)
        digest = stable_digest(spec.split.seed, "user", raw_scenario, raw_user)
        user = ScenarioUser(digest, clicks.user_id, *map(tuple, by_role))
        yield scenario_id, user
