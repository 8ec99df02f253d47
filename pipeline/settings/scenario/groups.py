"""Groups that scenarios are ranked in, by what is shown of each."""

from collections.abc import Sequence
from typing import NamedTuple

from models.episodes.click_records import ScenarioTask
from pipeline.reports.run.ranking_table import (
    OTHER_SUPPORT,
    OWN_SUPPORT,
    SCENARIO_MEAN,
    few_shot_group,
)
from pipeline.settings.scenario.config import ScenarioEvaluationConfig


class ShownGroup(NamedTuple):
    """What is shown of each task, and how many of its users are ranked for."""

    support_size: int
    supports: Sequence[ScenarioTask] | None = None
    max_users: int | None = None


def ranking_groups(
    tasks: Sequence[ScenarioTask], options: ScenarioEvaluationConfig, is_hybrid: bool
) -> dict[str, ShownGroup]:
    """Returns the groups that a method can be ranked in.

    Args:
        tasks: The tasks.
        options: Support sizes, and users of the groups beside the first.
        is_hybrid: Whether there are several domains; the support set of another
            scenario is of the same one.

    Returns:
        What is shown, by group; the first is that of all clicks and users.
    """
    size, some = options.support_size, options.few_shot_users
    groups = {SCENARIO_MEAN: ShownGroup(size)}
    for few in options.few_shot_sizes:
        if few < size:
            groups[few_shot_group(few)] = ShownGroup(few, max_users=some)
    groups[OWN_SUPPORT] = ShownGroup(size, max_users=some)
    if len(tasks) > 1:
        groups[OTHER_SUPPORT] = ShownGroup(size, _others(tasks, is_hybrid), some)
    return groups


def _others(tasks: Sequence[ScenarioTask], is_hybrid: bool) -> list[ScenarioTask]:
    """Returns for each task the next one of its domain, for the last one the first."""
    by_domain: dict[str, list[ScenarioTask]] = {}
    for task in tasks:
        domain = task.scenario_id.partition(":")[0] if is_hybrid else ""
        by_domain.setdefault(domain, []).append(task)
    following = {
        task.scenario_id: other
        for found in by_domain.values()
        for task, other in zip(found, [*found[1:], found[0]], strict=True)
    }
    return [following[task.scenario_id] for task in tasks]
