"""What the contexts of tasks of meta-test change of the backbone."""

from __future__ import annotations

import pathlib
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from models.episodes.click_episodes import support_episode
from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from models.recommender import Episode, split_episode
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.run_dir import RunDir
from pipeline.insight.modulation_values import Values, named_values
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.settings.user.config import Config
from pipeline.settings.user.loaded_dataset import load_dataset
from pipeline.steps.scenarios.train import trained_model as trained_scenario_model
from pipeline.steps.train import trained_model
from transforms import schema

_MAX_CLICKS = 64  # Held-out clicks of a scenario that the mean is over, at most.


def task_modulations(
    config: Experiment,
    dataset_dir: pathlib.Path,
    run: RunDir,
    task_ids: Collection[str],
) -> dict[str, Values]:
    """Returns the values of tasks, each the mean over its query pairs.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        run: The run of a finished training.
        task_ids: Tasks of meta-test; one without a query pair is left out.
    """
    if isinstance(config, ScenarioConfig):
        return dict(_of_scenarios(config, dataset_dir, run, task_ids))
    assert isinstance(config, Config)
    return dict(_of_users(config, dataset_dir, run, task_ids))


def _of_users(
    config: Config,
    dataset_dir: pathlib.Path,
    run: RunDir,
    task_ids: Collection[str],
) -> Iterator[tuple[str, Values]]:
    model = trained_model(config, load_dataset(dataset_dir), run)
    modulate = _modulate(model)
    for episode in fixed_episodes(
        dataset_dir,
        schema.META_TEST,
        max_support_size=config.evaluation.support_size,
        batch_size=config.evaluation.batch_size,
    ):
        ids = [task_id.decode() for task_id in episode.pop("task_id").numpy()]
        num_pairs = episode["query_mask"].numpy().sum(axis=1)
        leaves = tf.nest.flatten(modulate(*split_episode(episode)))
        for place, task_id in enumerate(ids):
            if task_id in task_ids and num_pairs[place]:
                # Padding comes last; what is alike for all pairs is there once.
                own = [leaf[place, : num_pairs[place]] for leaf in leaves]
                yield task_id, _named(model, own)


def _of_scenarios(
    config: ScenarioConfig,
    dataset_dir: pathlib.Path,
    run: RunDir,
    task_ids: Collection[str],
) -> Iterator[tuple[str, Values]]:
    dataset = load_scenarios(config, dataset_dir)
    model = trained_scenario_model(config, dataset, run)
    modulate = _modulate(model)
    for task in dataset.tasks(schema.META_TEST):
        if task.scenario_id in task_ids and task.query_item.size:
            support = support_episode(
                task,
                max_clicks=config.evaluation.support_size,
                num_negatives=config.evaluation.support_negatives,
            )
            query = {
                "query_user": tf.constant(task.query_user[np.newaxis, :_MAX_CLICKS]),
                "query_item": tf.constant(task.query_item[np.newaxis, :_MAX_CLICKS]),
            }
            leaves = tf.nest.flatten(modulate(support, query))
            yield task.scenario_id, _named(model, [leaf[0] for leaf in leaves])


def _modulate(model: Any) -> Any:
    def modulate(support: Episode, query: Episode) -> object:
        return model.modulate(model.adapt(support), model.query_pairs(query))

    return tf.function(modulate, reduce_retracing=True)


def _named(model: Any, leaves: list[tf.Tensor]) -> Values:
    """Names the values of one task, each [Q, ...]."""
    batch = [leaf[tf.newaxis] for leaf in leaves]
    return named_values(batch, model.modulation.value_names)[0]
