"""Clicks of one shard of users: known or held out, and by scenario."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from transforms.clicks.click_pairs import ClickCounts, ClickPairs, pairs_of_users
from transforms.clicks.clicks import ClickBlock
from transforms.clicks.ids import raw_id, raw_ids
from transforms.clicks.merged_pools import Pools
from transforms.clicks.scenario_users import (
    FOR_TEST,
    FOR_VALIDATION,
    KNOWN,
    LATER,
    NUM_ROLES,
    ROLES,
    ScenarioUsers,
    num_held_out,
    trim,
)
from transforms.clicks.schema import ScenarioDatasetSpec, ScenarioSplitSpec
from transforms.reading.coded_column import (
    Flags,
    Floats,
    Ints,
    places_in,
    small,
    starts_of,
)
from transforms.schema import META_TEST, META_TRAIN, META_VALIDATION
from transforms.splits import TaskSplitter, split_windows
from transforms.stable_hash import (
    digest_numbers,
    fractions,
    joined_texts,
    stable_digests,
)
from transforms.writing.counts import count_dropped
from transforms.writing.output_files import OutputFiles

# Kinds of output of `SplitUsers`.
USERS = "users"
SCENARIOS = "scenarios"

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

    def process(self, group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[str, Any]]:
        """Splits the pairs of one shard."""
        shard, blocks = group
        pools = self._pools = self._pools or Pools.read(self._files)
        unpacked = map(ClickBlock.unpacked, filter(None, blocks))
        names, has_user_tasks = self._spec.domain_names, self._spec.has_user_tasks
        starts = {} if has_user_tasks else self._spec.split.starts
        by_time = self._spec.episodes.order == "time"
        pairs, counts = pairs_of_users(unpacked, names, starts, late_once=by_time)
        if has_user_tasks:
            split = split_users(pairs, self._spec, self._splitter)
        else:
            split = split_pairs(pairs, self._spec)
        limit = self._spec.episodes.max_clicks_per_scenario
        for scenario_id, users in clicks_by_scenario(split, pools, self._spec):
            yield SCENARIOS, (scenario_id, trim(users, limit))
        _USERS.inc(len(pairs.users))
        for count in counts.tables.values():
            count_dropped(count.left_out)
        yield USERS, UserShard(shard, split, counts)


def split_pairs(pairs: ClickPairs, spec: ScenarioDatasetSpec) -> SplitPairs:
    """Holds out some pairs of each user and gives all a fold.

    Stable hashes decide it, or the time of a pair whether it is held out.

    Args:
        pairs: The pairs.
        spec: Seed, shares and times.
    """
    split, hashes = spec.split, _PairHashes(pairs, spec)
    if split.starts:
        is_held_out = pairs.times >= min(split.starts.values())
    else:
        is_held_out = hashes.shares("held_out") < split.held_out_fraction
    held_out = np.flatnonzero(is_held_out)
    if META_VALIDATION in split.starts:
        is_for_test = pairs.times[held_out] >= split.starts[META_TEST]
    else:
        chances = hashes.shares("held_out_for", held_out)
        is_for_test = chances >= split.held_out_for_validation
    roles = np.full(len(is_held_out), KNOWN)
    roles[held_out] = np.where(is_for_test, FOR_TEST, FOR_VALIDATION)
    return _split(pairs, roles, hashes.folds())


def split_users(
    pairs: ClickPairs, spec: ScenarioDatasetSpec, splitter: TaskSplitter
) -> SplitPairs:
    """Splits users who are tasks, and holds out pairs of those not of meta-train.

    Stable hashes decide it, or times: then users belong to a split by their first pair
    and later ones, of the next split, wait for the training on all clicks; or the last
    pairs of users are held out.

    Args:
        pairs: The pairs.
        spec: Seed, shares and times.
        splitter: Decides the split of users whom no time puts into one.
    """
    split, hashes = spec.split, _PairHashes(pairs, spec)
    windows = split_windows(pairs.owners, pairs.times, len(pairs.users), split.starts)
    by_time = (None, *split.starts)
    users = pairs.users
    if splitter.listed is None:  # A split file names whole ids.
        users = raw_ids(users, spec.domain_names)
    splits = [
        by_time[window] or splitter.split_of(user)
        for window, user in zip(windows.windows, users.to_pylist(), strict=True)
    ]
    if spec.episodes.order == "time":
        shares = hashes.shares("order")
        is_held_out = _are_last(pairs, windows.is_early, shares, split)
    else:
        is_held_out = hashes.shares("held_out") < split.held_out_fraction
    own = np.array([ROLES.get(one or "", KNOWN) for one in splits], np.uint8)
    roles = np.where(is_held_out, own[pairs.owners], KNOWN)
    roles[~windows.is_early] = LATER
    return _split(pairs, roles, hashes.folds(), splits)


class _PairHashes:
    """Numbers of pairs that their ids and the seed decide.

    Args:
        pairs: The pairs.
        spec: The seed, and the number of folds.
    """

    def __init__(self, pairs: ClickPairs, spec: ScenarioDatasetSpec) -> None:
        users, items = (
            raw_ids(ids, spec.domain_names).take(pa.array(places))
            for ids, places in ((pairs.users, pairs.owners), (pairs.items, pairs.codes))
        )
        self._texts = joined_texts(users, items)
        self._split = spec.split

    def shares(self, salt: str, chosen: Ints | None = None) -> Floats:
        """Returns a number in [0, 1) of each pair, or of the chosen places."""
        texts = self._texts
        if chosen is not None:
            texts = [texts[place] for place in chosen.tolist()]
        digests = stable_digests(self._split.seed, salt, last=texts)
        return fractions(digest_numbers(digests))

    def folds(self) -> Ints:
        """Returns the fold of each pair."""
        folds: Ints = (self.shares("fold") * self._split.num_folds).astype(np.int64)
        return folds


def _split(
    pairs: ClickPairs, roles: Ints, folds: Ints, splits: Sequence[str | None] = ()
) -> SplitPairs:
    """Returns pairs in the order of users and roles."""
    order = np.argsort(pairs.owners * NUM_ROLES + roles, kind="stable")
    roles = roles[order].astype(np.uint8)
    return SplitPairs(pairs.take(order), roles, small(folds[order]), splits)


def _are_last(
    pairs: ClickPairs, is_early: Flags, shares: Floats, split: ScenarioSplitSpec
) -> Flags:
    """Returns which pairs are the last early ones of their user.

    Args:
        pairs: The pairs.
        is_early: Which of them are before the split after that of their user.
        shares: What decides between pairs of one time.
        split: Which share is held out; see `num_held_out`.
    """
    sizes = np.bincount(pairs.owners[is_early], minlength=len(pairs.users))
    num_last = num_held_out(sizes, split.held_out_fraction)
    starts = starts_of(np.bincount(pairs.owners, minlength=len(pairs.users)))
    order = np.lexsort((shares, pairs.times, pairs.owners))  # Early ones come first.
    place = places_in(order) - starts[pairs.owners]
    is_last: Flags = place >= (sizes - num_last)[pairs.owners]
    return is_last & is_early


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
                times := pairs.times[rows_here],
                float(times.min()),
            ),
        )
