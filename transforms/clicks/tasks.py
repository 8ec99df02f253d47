"""The clicks of each scenario to a task, unless it is too small."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from transforms.clicks.ids import raw_id
from transforms.clicks.merged_pools import Pools
from transforms.clicks.scenario_task import build_task
from transforms.clicks.scenario_users import ScenarioUsers
from transforms.clicks.schema import ScenarioDatasetSpec, ScenarioEpisodeSpec
from transforms.schema import META_TRAIN
from transforms.splits import TaskSplitter
from transforms.writing.counts import count_dropped
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


class BuildTasks(beam.DoFn):
    """Makes a task of each scenario.

    Input: (scenario id, `ScenarioUsers`). The pools must be written.
    Output: `ScenarioTask`s of kind `tasks`; of kind `dropped` a `Counter` of what was
        left out, clicks or the scenario, by reason.

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

    def process(self, group: tuple[str, ScenarioUsers]) -> Iterator[tuple[str, Any]]:
        """Makes one task, unless the scenario is too small."""
        scenario_id, clicks = group
        pools = self._pools = self._pools or Pools.read(self._files)
        dropped = Counter({CLICK_OVER_LIMIT: clicks.num_dropped})
        split = self._split_of(scenario_id, clicks.start)
        if split is None:
            dropped[TASK_NOT_IN_SPLIT_FILE] += 1
        else:
            pool = pools.items[scenario_id]
            task = build_task(scenario_id, split, pool, clicks, self._spec)
            reason = reason_to_drop(
                task.num_known, len(task.query.items), split, self._spec.episodes
            )
            if reason is None:
                dropped[CLICK_WITHOUT_NEGATIVE] += task.num_without_negative
                _TASKS.inc()
                yield TASKS, task
            else:
                dropped[reason] += 1
                dropped[f"click_of_task_with_{reason}"] += len(clicks.places)
        count_dropped(dropped)
        yield DROPPED, +dropped

    def _split_of(self, scenario_id: str, start: float) -> str | None:
        """Returns the split of a scenario, given the time of its first click."""
        if self._spec.episodes.order == "time":
            starts = self._spec.split.starts
            window = bisect.bisect_right([*starts.values()], start)
            return (META_TRAIN, *starts)[window]
        # A split file names whole ids, a hash takes them as they came.
        if self._splitter.listed is None:
            scenario_id = raw_id(scenario_id, self._spec.domain_names)
        return self._splitter.split_of(scenario_id)


def reason_to_drop(
    num_known: int, num_query: int, split: str, spec: ScenarioEpisodeSpec
) -> str | None:
    """Says why a task is too small, or None if it is not.

    Args:
        num_known: Known clicks that its support could hold.
        num_query: Clicks of its query.
        split: Its split.
        spec: Sizes.
    """
    if num_known < spec.min_clicks:
        return TOO_FEW_CLICKS
    if split != META_TRAIN and not num_query:
        return NO_HELD_OUT_CLICK
    return None
