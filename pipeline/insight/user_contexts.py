"""Contexts of users: of each the support set that `evaluate` shows."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.rating_metrics import mae
from models.legacy_keras import tf
from models.recommender import split_episode
from pipeline.experiment.parquet_file import read_ids
from pipeline.experiment.run_dir import RunDir
from pipeline.insight.contexts import (
    ALL_SPLITS,
    NO_LABEL,
    TASTE,
    Labels,
    TaskContexts,
    joined,
)
from pipeline.insight.orders import mean_context, orders_of
from pipeline.insight.taste import taste_of
from pipeline.settings.user.config import Config
from pipeline.settings.user.loaded_dataset import LoadedDataset, load_dataset
from pipeline.steps.train import trained_model
from transforms import schema
from transforms.schema import DataError

_MAX_VALUES = 50  # Of a feature that users are told apart by.
_SPLITS = (schema.META_TEST, schema.META_VALIDATION, schema.META_TRAIN)

# From the rows of users to a label of each.
_Labelling = Callable[[NDArray[np.int32]], Labels]


def user_contexts(
    config: Config,
    dataset_dir: pathlib.Path,
    run: RunDir,
    *,
    split: str,
    num_orders: int,
    seed: int,
) -> TaskContexts:
    """Encodes the support sets of users; arguments as of `task_contexts`."""
    dataset = load_dataset(dataset_dir)
    model = trained_model(config, dataset, run)
    taste = taste_of(dataset.items, dataset_dir)
    features = _feature_labels(dataset)
    adapt = tf.function(
        lambda support: model.adapt(support).context, reduce_retracing=True
    )
    score = tf.function(lambda episode: model(episode), reduce_retracing=True)
    parts = []
    for name in existing_splits(dataset.info.num_tasks, split):
        for episode in fixed_episodes(
            dataset_dir,
            name,
            max_support_size=config.evaluation.support_size,
            batch_size=config.evaluation.batch_size,
        ):
            task_id = episode.pop("task_id")
            scores = score(episode).numpy()
            batch = {key: value.numpy() for key, value in episode.items()}
            mask = batch["support_mask"]
            error = mae(batch["query_label"], scores, batch["query_mask"])
            users = batch["query_user"].max(axis=1)
            labels = {kind: of_users(users) for kind, of_users in features.items()}
            labels |= {
                "split": [name] * len(mask),
                "support_size": mask.sum(axis=1).astype(float).tolist(),
                "error": error.tolist(),
            }
            if taste is not None:
                liked = taste.of(batch["support_item"], batch["support_label"], mask)
                labels[TASTE] = liked
            support, _ = split_episode(batch)
            contexts = mean_context(
                adapt,
                support,
                num_orders=orders_of(config.model, num_orders),
                seed=seed,
            )
            ids = [name.decode() for name in task_id.numpy()]
            parts.append(TaskContexts(ids, contexts, labels))
    return joined(parts)


def existing_splits(num_tasks: Mapping[str, int], split: str) -> Sequence[str]:
    """Returns the splits that are meant, those without tasks left out.

    Args:
        num_tasks: Tasks by split.
        split: One split, or "all".

    Raises:
        DataError: If there are none.
    """
    wanted = _SPLITS if split == ALL_SPLITS else (split,)
    found = [name for name in wanted if num_tasks.get(name)]
    if not found:
        raise DataError(f"split must have tasks, got {split!r} of {dict(num_tasks)}.")
    return found


def _feature_labels(dataset: LoadedDataset) -> dict[str, _Labelling]:
    """Returns what labels users by each feature that is a number or has few values."""
    labelling: dict[str, _Labelling] = {}
    for feature in dataset.users.features:
        encoded = dataset.users.encoded[feature.name]
        if feature.kind == "numeric":
            labelling[feature.name] = _of_numbers(encoded)
        elif feature.kind == "categorical" and feature.vocabulary_size <= _MAX_VALUES:
            names = read_ids(dataset.directory, feature.name)
            labelling[feature.name] = _of_values(encoded[:, 0], names)
    return labelling


def _of_numbers(encoded: NDArray[np.float32]) -> _Labelling:
    return lambda users: encoded[users].astype(float).tolist()


def _of_values(encoded: NDArray[np.int32], names: NDArray) -> _Labelling:
    return lambda users: [str(name) or NO_LABEL for name in names[encoded[users]]]
