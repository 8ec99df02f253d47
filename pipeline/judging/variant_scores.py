"""How well a method does with the support set of each task, of another, and of none."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from models.episodes.rating_episodes import fixed_episodes
from models.legacy_keras import tf
from models.recommender import Recommender
from pipeline.settings.user.config import EvaluationConfig
from pipeline.settings.user.group_scores import score_groups
from pipeline.settings.user.loaded_dataset import LoadedDataset
from transforms.schema import DataError

OWN, OTHER, NONE = "own", "other", "none"

# Values of each task, float64 [T], by group and metric.
TaskMetrics: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]


def support_groups(
    dataset: LoadedDataset, split: str, options: EvaluationConfig
) -> dict[str, tf.data.Dataset]:
    """Returns the episodes of a split with three kinds of support set.

    Args:
        dataset: The prepared data set.
        split: "meta_validation" or "meta_test".
        options: Support and batch size.

    Returns:
        By "own", the episodes as they are; by "other", with the support set of the
        task before in the batch, the first task with that of the last; by "none",
        without support.

    Raises:
        DataError: If there are fewer than 2 tasks, so that none has another.
    """
    num_tasks = dataset.info.num_tasks.get(split, 0)
    if num_tasks < 2:
        raise DataError(
            f"{dataset.directory} must hold at least 2 {split} tasks to exchange their "
            f"support sets, got {num_tasks}."
        )
    batch_size = options.batch_size
    while num_tasks % batch_size == 1 or batch_size == 1:
        batch_size += 1  # The last batch must not be a task alone.

    def episodes(support_size: int) -> tf.data.Dataset:
        return fixed_episodes(
            dataset.directory,
            split,
            max_support_size=support_size,
            batch_size=batch_size,
        )

    own = episodes(options.support_size)
    return {OWN: own, OTHER: own.map(exchange_support), NONE: episodes(0)}


def exchange_support(episode: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Gives each task of a batch the support set of the one before."""
    return {
        name: tf.roll(value, 1, axis=0) if name.startswith("support_") else value
        for name, value in episode.items()
    }


def score_variant(
    method: Recommender,
    groups: Mapping[str, tf.data.Dataset],
    options: EvaluationConfig,
) -> TaskMetrics:
    """Scores a method on every group of episodes."""
    return {
        name: scored.metrics(options.seed)
        for name, scored in score_groups(method, groups)
    }


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of one variant with one seed.

    Attributes:
        metrics: Its metrics; empty if its training broke off.
        tasks_per_s: Speed of training, the median over epochs.
        num_parameters: Weights that were trained.
        run: Name of the run.
        failure: Why its training broke off; "" if it did not.
    """

    metrics: TaskMetrics
    tasks_per_s: float = float("nan")
    num_parameters: int = 0
    run: str = ""
    failure: str = ""


def save_metrics(path: pathlib.Path, metrics: TaskMetrics) -> None:
    """Writes metrics, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp.npz")
    arrays: dict[str, Any] = {
        f"{group}/{metric}": values
        for group, by_metric in metrics.items()
        for metric, values in by_metric.items()
    }
    np.savez(temporary, **arrays)
    temporary.replace(path)


def load_metrics(path: pathlib.Path) -> TaskMetrics:
    """Reads what `save_metrics` wrote."""
    metrics: dict[str, dict[str, np.ndarray]] = {}
    with np.load(path) as arrays:
        for name, values in arrays.items():
            group, _, metric = name.rpartition("/")  # Groups may have one.
            metrics.setdefault(group, {})[metric] = values
    return metrics
