"""Tasks as the requests that an exported model answers."""

from __future__ import annotations

import functools
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.experiment.config_section import Experiment
from pipeline.settings.registry import setting_of
from transforms.schema import DataError

Request = Mapping[str, Any]


def written_request(path: pathlib.Path, task_id: str) -> Request:
    """Finds the request of a task in a file of JSON lines.

    Raises:
        DataError: If a line is no JSON object, or none has that `task_id`.
    """
    task_ids = []
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
        task_ids.append(str(request.get("task_id")))
    raise DataError(f"{path} must have a task_id {task_id!r}, got {task_ids}.")


def prepared_request(
    config: Experiment, dataset_dir: pathlib.Path
) -> Callable[[str], Request]:
    """Returns what makes the request of a task of a prepared data set.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        From an id, or the name of a scenario, to a request with what `evaluate` shows;
        raises DataError if there is no such task.

    Raises:
        DataError: If the setting has no requests.
    """
    setting = setting_of(config)
    request = setting.parts().request
    if request is None:
        raise DataError(f"tasks of setting {config.setting!r} have no requests.")
    data = setting.load(config, dataset_dir)
    return functools.partial(request, config, data)
