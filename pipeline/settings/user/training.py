"""What a training with users as tasks goes through."""

import math
from collections.abc import Iterator

from models.episodes.rating_episodes import training_episodes
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.recommender import Episode
from pipeline.settings.setting import TrainingPlan
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from pipeline.settings.user.metrics import MAE, RMSE
from transforms import schema

_PROBED_TASKS = 16
_TIMED_TASKS, _TIMED_SUPPORT, _TIMED_QUERY = 32, 40, 10


def user_training(config: UserConfig, data: UserData) -> TrainingPlan:
    """Returns what a training goes through: an epoch visits every user once."""
    options = config.training
    num_tasks = sum(data.info.num_tasks[split] for split in data.training_splits)
    size = options.support_size

    def episodes(first_step: int) -> tf.data.Dataset:
        return training_episodes(
            data.directory,
            support_size=size,
            query_size=options.query_size,
            batch_size=options.batch_size,
            seed=options.seed,
            full_support_fraction=options.full_support_fraction,
            first_step=first_step,
            splits=data.training_splits,
            with_query=data.is_whole,
        )

    def probe() -> Episode:
        episode = next(iter(data.episodes(schema.META_VALIDATION, size, _PROBED_TASKS)))
        return {name: value for name, value in episode.items() if name != "task_id"}

    return TrainingPlan(
        episodes=episodes,
        steps_per_epoch=math.ceil(num_tasks / options.batch_size),
        num_tasks=num_tasks,
        validation=Shown("validation", schema.META_VALIDATION, size, size),
        # Of what is learnt: the mean has the lowest squared error, not the lowest
        # absolute one, which tells epochs apart by chance.
        chosen_by=RMSE if options.loss == "squared" else MAE,
        probe=probe,
        timed=lambda: _timed(data),
    )


def _timed(data: UserData) -> Episode:
    """Returns tasks of a size that is the same in every experiment."""
    episodes = training_episodes(
        data.directory,
        support_size=_TIMED_SUPPORT,
        query_size=_TIMED_QUERY,
        batch_size=min(_TIMED_TASKS, data.info.num_tasks[schema.META_TRAIN]),
        seed=0,
    )
    batch: Episode = next(iter(episodes))
    return batch


def user_episodes(
    config: UserConfig, data: UserData, split: str
) -> Iterator[tuple[list[str], Episode]]:
    """Yields ids and frozen episodes of a split; see `StepParts.episodes`."""
    options = config.evaluation
    for batch in data.episodes(split, options.support_size, options.batch_size):
        episode = dict(batch)
        yield [name.decode() for name in episode.pop("task_id").numpy()], episode
