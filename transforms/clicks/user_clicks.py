"""Clicks of one shard of users: known or held out, and by scenario."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from transforms.clicks.click_block import ClickBlock
from transforms.clicks.click_pairs import ClickCounts, ClickPairs, pairs_of_users
from transforms.clicks.ids import raw_id, raw_ids
from transforms.clicks.merged_pools import Pools
from transforms.clicks.scenario_users import (
    FOR_TEST,
    FOR_VALIDATION,
    KNOWN,
    NUM_ROLES,
    ScenarioUsers,
    trim,
)
from transforms.clicks.schema import ScenarioDatasetSpec
from transforms.reading.beam_hints import no_beam_hints
from transforms.reading.coded_column import Flags, Floats, Ints, small
from transforms.reading.stretches import places_in, starts_of
from transforms.schema import META_TEST, META_TRAIN, META_VALIDATION
from transforms.split_windows import split_windows
from transforms.splits import TaskSplitter
from transforms.stable_hash import (
    digest_numbers,
    fractions,
    joined_texts,
    stable_digests,
)
from transforms.writing.counters import count_dropped
from transforms.writing.output_files import OutputFiles

# Kinds of output of `SplitUsers`.
USERS = "users"
SCENARIOS = "scenarios"

# What is held out of a user who is a task of a split.
_ROLES = {META_VALIDATION: FOR_VALIDATION, META_TEST: FOR_TEST}

_USERS = Metrics.counter("cmml", "users_split")


@dataclasses.dataclass(frozen=True)
class SplitPairs:
    """The pairs of the users of one shard: known, or held out.

    Attributes:
        pairs: The pairs; those of a user in the order of their roles, those of one role
            in the order of the items.
        roles: What each is for, as `transforms.clicks.scenario_users` numbers it.
        folds: The fold of each; of one that is not known, once it may be learnt from.
        user_splits: Split of each user where users are tasks, None for one who is in
            none; else empty.
    """

    pairs: ClickPairs
    roles: Ints
    folds: Ints
    user_splits: Sequence[str | None] = ()

    @property
    def is_known(self) -> Flags:
        """Which pairs are learnt from: of users who are tasks, those of meta-train."""
        is_known = self.roles == KNOWN
        if self.user_splits:
            teaches = np.array([one == META_TRAIN for one in self.user_splits])
            is_known &= teaches[self.pairs.owners]
        return is_known


@dataclasses.dataclass(frozen=True)
class UserShard:
    """The users of one shard.

    Attributes:
        shard: Its number.
        split: Their pairs.
        counts: What became of the rows that they come from.
    """

    shard: int
    split: SplitPairs
    counts: ClickCounts


class SplitUsers(beam.DoFn):
    """Splits the pairs of each user, and groups them by scenario.

    Input: (shard, packed `ClickBlock`s). The pools must be written.
    Output: a `UserShard` of kind `users`, (scenario id, `ScenarioUsers`) of kind
        `scenarios`, trimmed to the most clicks of a scenario.

    Args:
        spec: The data set.
        splitter: Decides the split of each task.
        files: The output directory.
    """

    def __init__(
        self, spec: ScenarioDatasetSpec, splitter: TaskSplitter, files: OutputFiles
    ) -> None:
        super().__init__()
        self._spec = spec
        self._splitter = splitter
        self._files = files
        self._pools: Pools | None = None

    @no_beam_hints
    def process(self, group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[str, Any]]:
        """Splits the pairs of one shard."""
        shard, blocks = group
        pools = self._pools = self._pools or Pools.read(self._files)
        unpacked = map(ClickBlock.unpacked, filter(None, blocks))
        pairs, counts = pairs_of_users(
            unpacked,
            self._spec.domain_names,
            self._spec.split.starts,
            users_split=self._spec.has_user_tasks,
        )
        splits: Sequence[str | None] = ()
        if self._spec.has_user_tasks:
            splits = splits_of_users(pairs, self._spec, self._splitter)
        split = split_pairs(pairs, self._spec, splits)
        limit = self._spec.episodes.max_clicks_per_scenario
        for scenario_id, users in clicks_by_scenario(split, pools, self._spec):
            yield SCENARIOS, (scenario_id, trim(users, limit))
        _USERS.inc(len(pairs.users))
        for count in counts.tables.values():
            count_dropped(count.left_out)
        yield USERS, UserShard(shard, split, counts)


def split_pairs(
    pairs: ClickPairs,
    spec: ScenarioDatasetSpec,
    user_splits: Sequence[str | None] = (),
) -> SplitPairs:
    """Holds out some pairs of each user and gives all a fold.

    Stable hashes decide it, or the time of a pair whether it is held out. Where users
    are tasks, those of meta-train hold none out, and those of another split for it; by
    time these hold their last pairs out.

    Args:
        pairs: The pairs.
        spec: Seed, shares and times.
        user_splits: As of `SplitPairs`.
    """
    split = spec.split
    users, items = (
        raw_ids(ids, spec.domain_names).take(pa.array(places))
        for ids, places in ((pairs.users, pairs.owners), (pairs.items, pairs.codes))
    )
    texts = joined_texts(users, items)

    def shares(salt: str, last: Sequence[bytes]) -> Floats:
        return fractions(digest_numbers(stable_digests(split.seed, salt, last=last)))

    folds = (shares("fold", texts) * split.num_folds).astype(np.int64)
    if spec.episodes.order == "time":
        is_held_out = _are_last(pairs, shares("order", texts), split.held_out_fraction)
    elif split.starts and not user_splits:
        is_held_out = pairs.times >= min(split.starts.values())
    else:
        is_held_out = shares("held_out", texts) < split.held_out_fraction
    held_out = np.flatnonzero(is_held_out)
    roles = np.zeros(len(texts), np.uint8)
    if user_splits:
        own = np.array([_ROLES.get(one or "", KNOWN) for one in user_splits], np.uint8)
        roles[held_out] = own[pairs.owners[held_out]]
    else:
        if META_VALIDATION in split.starts:
            is_for_test = pairs.times[held_out] >= split.starts[META_TEST]
        else:
            chances = shares(
                "held_out_for", [texts[pair] for pair in held_out.tolist()]
            )
            is_for_test = chances >= split.held_out_for_validation
        roles[held_out] = np.where(is_for_test, FOR_TEST, FOR_VALIDATION)
    order = np.argsort(pairs.owners * NUM_ROLES + roles, kind="stable")
    return SplitPairs(pairs.take(order), roles[order], small(folds[order]), user_splits)


def _are_last(pairs: ClickPairs, shares: Floats, fraction: float) -> Flags:
    """Returns which pairs are the last of their user: a share of them, one at least.

    Args:
        pairs: The pairs.
        shares: What decides between pairs of one time.
        fraction: The share, rounded; nothing of a single pair.
    """
    sizes = np.bincount(pairs.owners, minlength=len(pairs.users))
    num_last = np.maximum(np.rint(fraction * sizes), 1) * (sizes > 1)
    order = np.lexsort((shares, pairs.times, pairs.owners))
    place = places_in(order) - starts_of(sizes)[pairs.owners]
    is_last: Flags = place >= (sizes - num_last)[pairs.owners]
    return is_last


def splits_of_users(
    pairs: ClickPairs, spec: ScenarioDatasetSpec, splitter: TaskSplitter
) -> list[str | None]:
    """Returns the split of each user, where users are tasks."""
    users = pairs.users
    if splitter.listed is None:  # A split file names whole ids.
        users = raw_ids(users, spec.domain_names)
    splits = [splitter.split_of(one) for one in users.to_pylist()]
    starts = spec.split.starts
    if not starts:
        return splits
    windows = split_windows(pairs.owners, pairs.times, len(splits), starts).windows
    by_time = (None, *starts)
    of_window = zip(windows.tolist(), splits, strict=True)
    return [by_time[window] or split for window, split in of_window]


def clicks_by_scenario(
    split: SplitPairs, pools: Pools, spec: ScenarioDatasetSpec
) -> Iterator[tuple[str, ScenarioUsers]]:
    """Yields the users that clicked in each scenario, in any order.

    Args:
        split: The pairs of the users.
        pools: The scenarios of each item.
        spec: Seed of the digests, and the domains.
    """
    pairs = split.pairs
    rows, scenarios, places = pools.rows_of(pairs)
    order = np.argsort(scenarios, kind="stable")
    rows, scenarios, places = rows[order], scenarios[order], places[order]
    owners = pairs.owners[rows]
    raw_users = raw_ids(pairs.users, spec.domain_names)
    ends = np.flatnonzero(np.diff(scenarios, append=-1)) + 1
    for start, end in zip([0, *ends.tolist()], ends.tolist(), strict=False):
        scenario_id = pools.scenario_ids[scenarios[start]]
        rows_here = rows[start:end]
        users, sizes = np.unique(owners[start:end], return_counts=True)
        chosen = pa.array(users)
        digests = stable_digests(
            spec.split.seed,
            *("user", raw_id(scenario_id, spec.domain_names)),
            last=joined_texts(raw_users.take(chosen)),
        )
        yield (
            scenario_id,
            ScenarioUsers(
                digest_numbers(digests),
                pairs.users.take(chosen),
                small(sizes),
                small(places[start:end]),
                split.roles[rows_here],
                split.folds[rows_here],
            ),
        )
