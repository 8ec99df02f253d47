"""Tasks as the requests that an exported model answers."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from models.episodes.click_episodes import support_episode
from models.episodes.click_records import ScenarioTask
from models.episodes.rating_episodes import fixed_episodes
from models.serving.served_model import MAX_EXPLAINED
from pipeline.experiment.config_section import Experiment
from pipeline.experiment.parquet_file import read_ids
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.settings.scenario.scenario_names import scenario_names
from pipeline.settings.user.config import Config
from pipeline.settings.user.loaded_dataset import LoadedDataset, load_dataset
from transforms import schema
from transforms.schema import DataError

Request = Mapping[str, Any]

_SPLITS = (schema.META_TEST, schema.META_VALIDATION, schema.META_TRAIN)


def written_request(path: pathlib.Path, task_id: str) -> Request:
    """Finds the request of a task in a file of JSON lines.

    Raises:
        DataError: If a line is no JSON object, or none has that `task_id`.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: no JSON: {error}") from None
        if not isinstance(request, dict):
            raise DataError(f"{path}, line {number}: no JSON object: {line!r}.")
        if str(request.get("task_id")) == task_id:
            return request
        found.append(str(request.get("task_id")))
    raise DataError(f"{path} must have a task_id {task_id!r}, got {found}.")


def prepared_request(
    config: Experiment, dataset_dir: pathlib.Path, task_id: str
) -> Request:
    """Makes the request of a task of a prepared data set, with what `evaluate` shows.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        task_id: Of a user; of a scenario, or its name. It is asked for the first user
            who has a held-out click there.

    Raises:
        DataError: If there is no such task.
    """
    if isinstance(config, ScenarioConfig):
        return _scenario_request(config, dataset_dir, task_id)
    assert isinstance(config, Config)
    dataset = load_dataset(dataset_dir)
    for split in _SPLITS:
        if not dataset.info.num_tasks.get(split):
            continue
        for episode in fixed_episodes(
            dataset_dir, split, max_support_size=config.evaluation.support_size
        ):
            rows = np.flatnonzero(episode["task_id"].numpy() == task_id.encode())
            if rows.size:
                row = {name: value[rows[0]].numpy() for name, value in episode.items()}
                return _user_request(dataset, row, task_id)
    raise DataError(f"{dataset_dir} must have a user {task_id!r} with episodes.")


def _user_request(
    dataset: LoadedDataset, row: Mapping[str, np.ndarray], task_id: str
) -> Request:
    """Returns ids and raw features of one row of a batch of episodes."""
    items = read_ids(dataset.directory, schema.ITEM_ID)
    mask = row["support_mask"]
    pairs = zip(row["support_item"][mask], row["support_label"][mask], strict=True)
    user = row["query_user"].max()
    features: dict[str, Any] = {}
    for feature in dataset.users.features:
        encoded = dataset.users.encoded[feature.name][user]
        if feature.kind == "numeric":
            features[feature.name] = None if np.isnan(encoded) else float(encoded)
            continue
        names = read_ids(dataset.directory, feature.name)[encoded]
        values = [str(name) for name in names if name]
        features[feature.name] = values if feature.kind == "multi" else "".join(values)
    return {
        "task_id": task_id,
        "user": features,
        "support": [
            {"item_id": items[item], "label": float(label)} for item, label in pairs
        ],
    }


def _scenario_request(
    config: ScenarioConfig, dataset_dir: pathlib.Path, task_id: str
) -> Request:
    dataset = load_scenarios(config, dataset_dir)
    names = scenario_names(dataset.directory)
    for split in _SPLITS:
        for task in dataset.tasks(split) if dataset.info.num_tasks.get(split) else ():
            name = names.get(task.scenario_id, task.scenario_id)
            if task_id in (task.scenario_id, name):
                return _request_of(task, name, config, dataset_dir)
    raise DataError(f"{dataset_dir} must have a scenario {task_id!r}.")


def _request_of(
    task: ScenarioTask, name: str, config: ScenarioConfig, dataset_dir: pathlib.Path
) -> Request:
    users = read_ids(dataset_dir, schema.USER_ID)
    items = read_ids(dataset_dir, schema.ITEM_ID)
    options = config.evaluation
    most = MAX_EXPLAINED // (1 + options.support_negatives)
    support = support_episode(
        task,
        max_clicks=min(options.support_size, most),
        num_negatives=options.support_negatives,
    )
    parts = (
        support[f"support_{part}"].numpy()[0] for part in ("user", "item", "label")
    )
    asked = task.query_user if task.query_user.size else task.support_user
    known = task.known_item[task.known_user == asked[0]]
    return {
        "task_id": name,
        "user_id": users[asked[0]],
        "support": [
            {"user_id": users[user], "item_id": items[item], "label": float(label)}
            for user, item, label in zip(*parts, strict=True)
        ],
        "candidates": items[task.pool].tolist(),
        "exclude": items[known].tolist(),
    }
