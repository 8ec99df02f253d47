"""Support sets of users, of each the one that `evaluate` shows, with labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from models.cmml import CMML
from models.evaluation.rating_metrics import mae
from models.recommender import Episode, split_episode
from pipeline.experiment.prepared import read_ids
from pipeline.settings.labelled_supports import (
    NO_LABEL,
    TASTE,
    LabelledSupports,
    Labels,
)
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from pipeline.settings.user.taste import taste_of

_MAX_VALUES = 50  # Of a feature that users are distinguished by.

# From the rows of users to a label of each.
_Labelling = Callable[[NDArray[np.int32]], Labels]


def labelled_users(
    config: UserConfig,
    data: UserData,
    model: CMML,
    split: str,
    errors: Mapping[str, float] | None = None,
) -> Iterator[LabelledSupports]:
    """Yields the support sets of a split; see `StepParts.supports`.

    Labels are the features of users, "support_size", "error" and "taste" in items.
    """
    taste = taste_of(data.items, data.directory)
    features = _feature_labels(data)
    options = config.evaluation
    for batch in data.episodes(split, options.support_size, options.batch_size):
        episode = dict(batch)
        ids = [task_id.decode() for task_id in episode.pop("task_id").numpy()]
        arrays = {name: value.numpy() for name, value in episode.items()}
        mask = arrays["support_mask"]
        users = arrays["query_user"].max(axis=1)
        labels = {kind: of_users(users) for kind, of_users in features.items()}
        labels |= {
            "support_size": mask.sum(axis=1).astype(float).tolist(),
            "error": _errors(model, episode)
            if errors is None
            else [errors[task_id] for task_id in ids],
        }
        if taste is not None:
            items, ratings = arrays["support_item"], arrays["support_label"]
            labels[TASTE] = taste.of(items, ratings, mask)
        support, _ = split_episode(arrays)
        yield LabelledSupports(ids, support, labels)


def _errors(model: CMML, episode: Episode) -> list[float]:
    scores = model(episode).numpy()  # So few calls take less time than to compile.
    return mae(episode["query_label"], scores, episode["query_mask"]).tolist()


def _feature_labels(dataset: UserData) -> dict[str, _Labelling]:
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
