"""The clicks of one scenario to a task: support, query, and negatives for both."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.clicks.clicks import raw_id
from transforms.clicks.merged_pools import Pools
from transforms.clicks.schema import ScenarioDatasetSpec, ScenarioEpisodeSpec
from transforms.clicks.user_clicks import ScenarioUser, ScenarioUsers, fold_of
from transforms.reading.beam_hints import no_beam_hints
from transforms.schema import META_TRAIN, META_VALIDATION
from transforms.splits import TaskSplitter
from transforms.stable_hash import stable_digest
from transforms.writing.counters import count_dropped
from transforms.writing.output_files import OutputFiles

# Reasons of `num_dropped`: legal, but not in the episodes.
TOO_FEW_CLICKS = "too_few_clicks"
NO_HELD_OUT_CLICK = "no_held_out_click"
CLICK_OVER_LIMIT = "click_over_limit"
CLICK_WITHOUT_NEGATIVE = "click_without_negative"
TASK_NOT_IN_SPLIT_FILE = "task_not_in_split_file"

# Kinds of output of `BuildTasks`.
TASKS = "tasks"
DROPPED = "dropped"

_TASKS = Metrics.counter("cmml", "tasks")


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
    items: list[int] = dataclasses.field(default_factory=list)
    folds: list[int] = dataclasses.field(default_factory=list)
    negatives: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class ScenarioTask:
    """One scenario as a task.

    Attributes:
        scenario_id: The scenario.
        split: Its split.
        pool: Item ids.
        support: Known clicks.
        query: Held-out clicks; none in meta-train.
        known_users: User of each other click of a user of the query: known, or held
            out for the other split.
        known_items: Its item, as a place in the pool.
        num_known: Known clicks that the support could hold.
        num_without_negative: Clicks left out, whose users left no item to draw.
    """

    scenario_id: str
    split: str
    pool: list[str]
    support: Clicks
    query: Clicks
    known_users: list[str]
    known_items: list[int]
    num_known: int = 0
    num_without_negative: int = 0


@dataclasses.dataclass
class DroppedClicks:
    """What was left out of one scenario.

    Attributes:
        num_dropped: Clicks, or the scenario, by reason.
    """

    num_dropped: Counter[str]


class BuildTasks(beam.DoFn):
    """Makes a task of each scenario.

    Input: (scenario id, `ScenarioUsers`). The pools must be written.
    Output: `ScenarioTask`s of kind `tasks`, `DroppedClicks` of kind `dropped`.

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
    def process(self, group: tuple[str, ScenarioUsers]) -> Iterator[tuple[str, Any]]:
        """Makes one task, unless the scenario is too small."""
        scenario_id, clicks = group
        pools = self._pools = self._pools or Pools.read(self._files)
        dropped = Counter({CLICK_OVER_LIMIT: clicks.num_dropped})
        # A split file names whole ids, a hash takes them as they came.
        name = scenario_id
        if self._splitter.listed is None:
            name = raw_id(scenario_id, self._spec.domain_names)
        split = self._splitter.split_of(name)
        if split is None:
            dropped[TASK_NOT_IN_SPLIT_FILE] += 1
        else:
            pool = pools.items[scenario_id]
            task = build_task(scenario_id, split, pool, clicks.users, self._spec)
            num_clicks = sum(user.num_clicks for user in clicks.users)
            reason = reason_to_drop(task, self._spec.episodes)
            if reason is None:
                dropped[CLICK_WITHOUT_NEGATIVE] += task.num_without_negative
                _TASKS.inc()
                yield TASKS, task
            else:
                dropped[reason] += 1
                dropped[f"click_of_task_with_{reason}"] += num_clicks
        count_dropped(dropped)
        yield DROPPED, DroppedClicks(+dropped)


def reason_to_drop(task: ScenarioTask, spec: ScenarioEpisodeSpec) -> str | None:
    """Says why a task is too small, or None if it is not."""
    if task.num_known < spec.min_clicks:
        return TOO_FEW_CLICKS
    if task.split != META_TRAIN and not task.query.items:
        return NO_HELD_OUT_CLICK
    return None


def build_task(
    scenario_id: str,
    split: str,
    pool: Sequence[str],
    users: Sequence[ScenarioUser],
    spec: ScenarioDatasetSpec,
) -> ScenarioTask:
    """Draws support, query and negatives of one scenario.

    Clicks are taken in a random order that only the seed, the scenario, the user and
    the item decide; negatives are drawn by a generator that the seed, the scenario and
    the user decide.

    Args:
        scenario_id: The scenario.
        split: Its split.
        pool: Its item ids, in order.
        users: Its users with their clicks.
        spec: Seed and sizes.
    """
    places = {item_id: place for place, item_id in enumerate(pool)}
    task = ScenarioTask(scenario_id, split, list(pool), Clicks(), Clicks(), [], [])
    support: list[_Drawn] = []
    query: list[_Drawn] = []
    for user in users:
        held_out, other = _held_out(user, split)
        known, drawn = _draw_user(scenario_id, user, held_out, places, spec)
        support += known
        query += drawn
        num_drawn = len(known) + len(drawn)
        task.num_without_negative += len(user.known) + len(held_out) - num_drawn
        if drawn:
            clicked = [places[item_id] for item_id in (*user.known, *other)]
            task.known_users += [user.user_id] * len(clicked)
            task.known_items += clicked
    task.num_known = len(support)
    limit = None if split == META_TRAIN else spec.episodes.support_size
    _fill(task.support, support, limit)
    _fill(task.query, query, None)
    names = spec.domain_names
    task.support.folds = [
        fold_of(spec, raw_id(user_id, names), raw_id(pool[item], names))
        for user_id, item in zip(task.support.users, task.support.items, strict=True)
    ]
    return task


def _held_out(
    user: ScenarioUser, split: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the items held out for a split, and those for the other one."""
    if split == META_TRAIN:
        return (), ()
    if split == META_VALIDATION:
        return user.for_validation, user.for_test
    return user.for_test, user.for_validation


def draw_negatives(
    generator: random.Random, pool_size: int, avoided: set[int], num_negatives: int
) -> list[int]:
    """Draws places of a pool that are not to be avoided, evenly.

    Args:
        generator: Source of chance.
        pool_size: Places to draw from.
        avoided: Places not to draw.
        num_negatives: How many places.

    Returns:
        Different places, but for pools with too few of them; none if there is none.
    """
    num_left = pool_size - len(avoided)
    if num_left <= 0:
        return []
    if num_left >= 2 * num_negatives and 2 * num_left >= pool_size:
        drawn: dict[int, None] = {}
        while len(drawn) < num_negatives:  # Most draws are new and allowed.
            place = int(generator.random() * pool_size)
            if place not in avoided:
                drawn[place] = None
        return list(drawn)
    left = [place for place in range(pool_size) if place not in avoided]
    if num_left >= num_negatives:
        return generator.sample(left, num_negatives)
    return generator.choices(left, k=num_negatives)


# Digest, user id, place of the item, and its negatives.
_Drawn = tuple[bytes, str, int, list[int]]


def _draw_user(
    scenario_id: str,
    user: ScenarioUser,
    queries: Sequence[str],
    places: Mapping[str, int],
    spec: ScenarioDatasetSpec,
) -> tuple[list[_Drawn], list[_Drawn]]:
    """Draws order and negatives of a user's known clicks, and of its query."""
    seed = spec.split.seed
    names = spec.domain_names
    raw_ids = raw_id(scenario_id, names), raw_id(user.user_id, names)
    generator = random.Random(stable_digest(seed, *raw_ids))
    held_out = (*user.for_validation, *user.for_test)
    known = {places[item_id] for item_id in user.known}
    clicked = known | {places[item_id] for item_id in held_out}
    drawn: tuple[list[_Drawn], list[_Drawn]] = ([], [])
    for clicks, item_ids, avoided in zip(
        drawn, (user.known, queries), (known, clicked), strict=True
    ):
        for item_id in item_ids:
            negatives = draw_negatives(
                generator, len(places), avoided, spec.episodes.num_negatives
            )
            if negatives:
                digest = stable_digest(seed, "order", *raw_ids, raw_id(item_id, names))
                clicks.append((digest, user.user_id, places[item_id], negatives))
    return drawn


def _fill(clicks: Clicks, drawn: list[_Drawn], limit: int | None) -> None:
    for _, user_id, item, negatives in sorted(drawn)[:limit]:
        clicks.users.append(user_id)
        clicks.items.append(item)
        clicks.negatives += negatives
