"""What a training with scenarios as tasks goes through."""

import functools
from collections.abc import Iterator

import numpy as np

from models.episodes.click_draws import EpisodeSizes
from models.episodes.click_episodes import support_episode, training_episodes
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.recommender import Episode
from pipeline.settings.scenario.config import ScenarioConfig, ScenarioTrainingConfig
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.scenario.groups import catalogue_group, some_users
from pipeline.settings.scenario.metrics import EPOCH_METRIC
from pipeline.settings.scenario.whole import training_tasks
from pipeline.settings.setting import TrainingPlan
from transforms import schema

# The best of some epochs is better than the closed form by chance, too. As Breiman et
# al. (1984) prune trees: within a standard error the simpler one.
_START_ERRORS = 1.0

_PROBED_TASKS = 4
_MAX_CLICKS = 64  # Held-out clicks of a frozen episode, at most.


def scenario_training(config: ScenarioConfig, data: ScenarioData) -> TrainingPlan:
    """Returns what a training goes through: an epoch is a number of batches."""
    options = config.training
    drawn = functools.partial(
        training_episodes,
        sizes=_sizes(options),
        # Of as many rows as there are clicks, and asked for without a pool alone.
        catalogue=data.known.item if options.open_fraction else (0,),
        per_fold=data.factors.per_fold,
    )

    def episodes(first_step: int) -> tf.data.Dataset:
        return drawn(
            training_tasks(data),
            batch_size=options.batch_size,
            seed=options.seed,
            first_step=first_step,
        )

    def first(split: str, num_tasks: int, seed: int) -> Episode:
        batches = drawn(data.read_tasks(split), batch_size=num_tasks, seed=seed)
        episode: Episode = next(iter(batches))
        return episode

    def timed() -> Episode:
        num_tasks = min(options.batch_size, data.info.num_tasks[schema.META_TRAIN])
        episode = first(schema.META_TRAIN, num_tasks, 0)
        # Looked up in the fit to all clicks, the only one that every method knows.
        return {name: v for name, v in episode.items() if not name.endswith("_fit")}

    return TrainingPlan(
        episodes=episodes,
        steps_per_epoch=options.steps_per_epoch,
        num_tasks=options.steps_per_epoch * options.batch_size,
        validation=_validation(config, data),
        few_sizes=config.few_sizes,
        chosen_by=EPOCH_METRIC,
        probe=lambda: first(schema.META_VALIDATION, _PROBED_TASKS, options.seed),
        timed=timed,
        start_errors=_START_ERRORS,
    )


def _sizes(options: ScenarioTrainingConfig) -> EpisodeSizes:
    return EpisodeSizes(
        support_size=options.support_size,
        support_negatives=options.support_negatives,
        query_size=options.query_size,
        query_negatives=options.query_negatives,
        full_support_fraction=options.full_support_fraction,
        open_fraction=options.open_fraction,
    )


def _validation(config: ScenarioConfig, data: ScenarioData) -> Shown:
    """Returns the task that training aims at, that with a pool if it is one of two."""
    if config.training.open_fraction == 1.0 and not data.info.has_user_tasks:
        return catalogue_group(config, schema.META_VALIDATION)
    size = config.evaluation.support_size
    shown = Shown("validation", schema.META_VALIDATION, size, size)
    return some_users(shown, data, config.training.validation_users)


def scenario_episodes(
    config: ScenarioConfig, data: ScenarioData, split: str
) -> Iterator[tuple[list[str], Episode]]:
    """Yields ids and frozen episodes of a split; see `StepParts.episodes`.

    One scenario a batch; its query is up to 64 held-out clicks. A scenario without one
    is left out.
    """
    options = config.evaluation
    for task in data.tasks(split):
        if not task.query_item.size:
            continue
        support = support_episode(
            task,
            max_clicks=options.support_size,
            num_negatives=options.support_negatives,
        )
        user = task.query_user[np.newaxis, :_MAX_CLICKS]
        episode = {
            **support,
            "query_user": tf.constant(user),
            "query_item": tf.constant(task.query_item[np.newaxis, :_MAX_CLICKS]),
            "query_label": tf.ones(user.shape),
            "query_mask": tf.ones(user.shape, tf.bool),
        }
        yield [task.scenario_id], episode
