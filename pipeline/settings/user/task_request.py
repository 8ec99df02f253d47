"""A user of a prepared data set as the request that an exported model answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.experiment.prepared import read_ids
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from transforms import schema
from transforms.schema import DataError

_SPLITS = (schema.META_TEST, schema.META_VALIDATION, schema.META_TRAIN)


def user_request(config: UserConfig, data: UserData, task_id: str) -> Mapping[str, Any]:
    """Makes the request of a user; see `StepParts.request`."""
    options = config.evaluation
    for split in _SPLITS:
        if not data.info.num_tasks.get(split):
            continue
        for episode in data.episodes(split, options.support_size, options.batch_size):
            rows = np.flatnonzero(episode["task_id"].numpy() == task_id.encode())
            if rows.size:
                row = {name: value[rows[0]].numpy() for name, value in episode.items()}
                return _request_of(data, row, task_id)
    raise DataError(f"{data.directory} must have a user {task_id!r} with episodes.")


def _request_of(
    data: UserData, row: Mapping[str, np.ndarray], task_id: str
) -> Mapping[str, Any]:
    """Returns ids and raw features of one row of a batch of episodes."""
    items = read_ids(data.directory, schema.ITEM_ID)
    mask = row["support_mask"]
    pairs = zip(row["support_item"][mask], row["support_label"][mask], strict=True)
    user = row["query_user"].max()
    features: dict[str, Any] = {}
    for feature in data.users.features:
        encoded = data.users.encoded[feature.name][user]
        if feature.kind == "numeric":
            features[feature.name] = None if np.isnan(encoded) else float(encoded)
            continue
        names = read_ids(data.directory, feature.name)[encoded]
        values = [str(name) for name in names if name]
        features[feature.name] = values if feature.kind == "multi" else "".join(values)
    return {
        "task_id": task_id,
        "user": features,
        "support": [
            {"item_id": items[item], "label": float(label)} for item, label in pairs
        ],
    }
