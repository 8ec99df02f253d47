"""The clicks of one scenario to a task: support, query, and negatives for both."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.clicks.clicks import raw_id
from transforms.clicks.drawn_clicks import Clicks, DrawnClicks, UserChance
from transforms.clicks.merged_pools import Pools
from transforms.clicks.scenario_users import ScenarioUser, ScenarioUsers
from transforms.clicks.schema import ScenarioDatasetSpec, ScenarioEpisodeSpec
from transforms.reading.beam_hints import no_beam_hints
from transforms.schema import META_TRAIN, META_VALIDATION
from transforms.splits import TaskSplitter
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
    support, query = DrawnClicks(), DrawnClicks()
    generator = random.Random()
    for user in users:
        held_out, other = _held_out(user, split)
        raw_ids = (
            raw_id(one, spec.domain_names) for one in (scenario_id, user.user_id)
        )
        chance = UserChance(generator, tuple(raw_ids), places, spec)
        known = [places[item_id] for item_id in user.known]
        clicked = {*known, *(places[i] for i in (*held_out, *other))}
        num_drawn = chance.draw(support, user, user.known, user.folds, set(known))
        num_queries = chance.draw(query, user, held_out, (), clicked)
        num_clicks = len(known) + len(held_out)
        task.num_without_negative += num_clicks - num_drawn - num_queries
        if num_queries:
            task.known_users += [user.user_id] * (len(known) + len(other))
            task.known_items += [*known, *(places[item_id] for item_id in other)]
    task.num_known = len(support.items)
    limit = None if split == META_TRAIN else spec.episodes.support_size
    task.support = support.in_order(limit)
    task.query = query.in_order(None)
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
