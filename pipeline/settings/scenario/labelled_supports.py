"""Several support sets of each scenario that share no click, with labels."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.cmml import CMML
from models.episodes.click_episodes import stack_supports, support_episode
from models.episodes.click_records import ScenarioTask
from pipeline.experiment.prepared import task_names
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.scenario.groups import domain_of
from pipeline.settings.step_parts import SCENARIO, USER, LabelledSupports, Labels
from transforms.stable_hash import stable_digest

MAX_DRAWS = 8
DRAW_CLICKS = 32
_BATCH_SIZE = 256


def labelled_scenarios(
    config: ScenarioConfig,
    data: ScenarioData,
    model: CMML,
    split: str,
    errors: Mapping[str, float] | None = None,
) -> Iterator[LabelledSupports]:
    """Yields up to eight support sets of each scenario; see `StepParts.supports`.

    The clicks of a scenario are shuffled and split, 32 to a support set, each with
    the negatives that `evaluate` shows beside it. No click is in two of them, so that
    what makes their contexts alike is the scenario and not the clicks. A scenario with
    fewer than 64 clicks gets two halves, one with a single click none.

    Labels are "scenario", or "user" where users are tasks, "support_size", and
    "domain" if there are several.
    """
    del model, errors
    names = task_names(data.directory, "scenario")
    draws = [
        (task, places) for task in data.tasks(split) for places in permuted_draws(task)
    ]
    for start in range(0, len(draws), _BATCH_SIZE):
        batch = draws[start : start + _BATCH_SIZE]
        ids = [task.scenario_id for task, _ in batch]
        labels: dict[str, Labels] = {
            USER if data.info.has_user_tasks else SCENARIO: [
                names.get(task_id, task_id) for task_id in ids
            ],
            "support_size": [float(len(places)) for _, places in batch],
        }
        if len(data.info.domains) > 1:
            labels["domain"] = [domain_of(task_id) for task_id in ids]
        support = _supports(batch, config.evaluation.support_negatives)
        yield LabelledSupports(ids, support, labels)


def permuted_draws(task: ScenarioTask) -> Sequence[NDArray[np.intp]]:
    """Returns the clicks of support sets, permuted, as places among those of the task.

    A scenario is always permuted alike, by its id.
    """
    num_clicks = task.support_item.size
    if num_clicks < 2:
        return []
    key = int.from_bytes(stable_digest(0, task.scenario_id))
    order = np.random.default_rng(key).permutation(num_clicks)
    size = min(DRAW_CLICKS, num_clicks // 2)
    num_draws = min(MAX_DRAWS, num_clicks // size)
    return [order[draw * size : (draw + 1) * size] for draw in range(num_draws)]


def _supports(
    draws: Sequence[tuple[ScenarioTask, NDArray[np.intp]]], num_negatives: int
) -> dict[str, NDArray]:
    """Returns the `support_*` tensors of a batch, [B, S]; padding is zero."""
    episodes = []
    for task, places in draws:
        drawn = dataclasses.replace(
            task,
            support_user=task.support_user[places],
            support_item=task.support_item[places],
            support_negative=task.support_negative[places],
        )
        episodes.append(
            support_episode(drawn, max_clicks=places.size, num_negatives=num_negatives)
        )
    return {n: half.numpy() for n, half in stack_supports(episodes).items()}
