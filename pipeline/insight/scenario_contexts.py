"""Contexts of scenarios, from several support sets of each that share no click."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_episodes import support_episode
from models.episodes.click_records import ScenarioTask
from models.legacy_keras import tf
from pipeline.experiment.run_dir import RunDir
from pipeline.insight.contexts import Labels, TaskContexts, joined
from pipeline.insight.orders import Support, mean_context, orders_of
from pipeline.insight.user_contexts import existing_splits
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.settings.scenario.scenario_names import scenario_names
from pipeline.steps.scenarios.train import trained_model
from transforms.schema import DataError
from transforms.stable_hash import stable_digest

MAX_DRAWS = 8
DRAW_CLICKS = 32
_BATCH_SIZE = 256


def scenario_contexts(
    config: ScenarioConfig,
    dataset_dir: pathlib.Path,
    run: RunDir,
    *,
    split: str,
    num_orders: int,
    seed: int,
) -> TaskContexts:
    """Encodes up to eight support sets of each scenario.

    The clicks of a scenario are shuffled and dealt out, 32 to a support set, each with
    the negatives that `evaluate` shows beside it. No click is in two of them, so that
    what makes their contexts alike is the scenario and not the clicks. A scenario with
    fewer than 64 clicks gets two halves.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training.
        split: "meta_train", "meta_validation", "meta_test", or "all" of them.
        num_orders: Orders of each support set that its context is the mean over.
        seed: Of the shuffles.

    Returns:
        The contexts, those of a scenario one after the other. A scenario with one click
        is left out.

    Raises:
        DataError: If the split has no tasks, or none with 2 clicks.
    """
    dataset = load_scenarios(config, dataset_dir)
    model = trained_model(config, dataset, run)
    adapt = tf.function(lambda support: model.adapt(support), reduce_retracing=True)
    names = scenario_names(dataset.directory)
    parts = []
    for name in existing_splits(dataset.info.num_tasks, split):
        draws = [
            (task, places)
            for task in dataset.tasks(name)
            for places in dealt_out(task, seed)
        ]
        for start in range(0, len(draws), _BATCH_SIZE):
            batch = draws[start : start + _BATCH_SIZE]
            support = _supports(batch, config.evaluation.support_negatives)
            ids = [task.scenario_id for task, _ in batch]
            labels: dict[str, Labels] = {
                "tag": [names.get(task_id, task_id) for task_id in ids],
                "split": [name] * len(ids),
                "support_size": [float(len(places)) for _, places in batch],
            }
            if len(dataset.info.domains) > 1:
                labels["domain"] = [task_id.partition(":")[0] for task_id in ids]
            contexts = mean_context(
                adapt,
                support,
                num_orders=orders_of(config.model, num_orders),
                seed=seed,
            )
            parts.append(TaskContexts(ids, contexts, labels))
    if not parts:
        raise DataError(f"split must have scenarios with 2 clicks, got {split!r}.")
    return joined(parts)


def dealt_out(task: ScenarioTask, seed: int) -> Sequence[NDArray[np.intp]]:
    """Deals the clicks of a scenario out to support sets, as places among them.

    Args:
        task: The scenario.
        seed: Of the shuffle, with the id of the scenario.
    """
    num_clicks = task.support_item.size
    if num_clicks < 2:
        return []
    key = int.from_bytes(stable_digest(seed, task.scenario_id))
    order = np.random.default_rng(key).permutation(num_clicks)
    size = min(DRAW_CLICKS, num_clicks // 2)
    num_draws = min(MAX_DRAWS, num_clicks // size)
    return [order[draw * size : (draw + 1) * size] for draw in range(num_draws)]


def _supports(
    draws: Sequence[tuple[ScenarioTask, NDArray[np.intp]]], num_negatives: int
) -> Support:
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
    width = max(episode["support_mask"].shape[1] for episode in episodes)

    def padded(half: tf.Tensor) -> NDArray:
        return np.pad(half.numpy(), [(0, 0), (0, width - half.shape[1])])

    return {
        name: np.concatenate([padded(episode[name]) for episode in episodes])
        for name in episodes[0]
    }
