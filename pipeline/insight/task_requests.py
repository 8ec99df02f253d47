"""Tasks as the requests that an exported model answers."""

import functools
import itertools
import json
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pipeline.experiment.config_section import Experiment
from pipeline.experiment.prepared import task_names
from pipeline.settings.registry import setting_of
from transforms.reading.task_ids import read_task_ids
from transforms.schema import META_TEST, DataError

Request = Mapping[str, Any]

_NUM_NAMED = 5


def written_request(path: pathlib.Path, task_id: str) -> Request:
    """Finds the request of a task in a file of JSON lines.

    Raises:
        DataError: If a line is no JSON object, or none has that `task_id`.
    """
    task_ids = []
    for request in _requests(path):
        if str(request.get("task_id")) == task_id:
            return request
        task_ids.append(str(request.get("task_id")))
    raise DataError(f"{path} must have a task_id {task_id!r}, got {task_ids}.")


def written_tasks(path: pathlib.Path) -> str:
    """Names the first tasks of a file of JSON lines, in words.

    Raises:
        DataError: If a line before them is no JSON object, or there is no `task_id`.
    """
    named = (str(one["task_id"]) for one in _requests(path) if "task_id" in one)
    if not (some := list(itertools.islice(named, _NUM_NAMED))):
        raise DataError(f"{path} must have a task_id in its requests.")
    return f"a task_id of {path}, such as {_listed(some)}"


def _requests(path: pathlib.Path) -> Iterator[Request]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} must be UTF-8 text: {error}.") from None
    # Not `splitlines`, to which some signs within texts are line ends.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}, line {number}: no JSON: {error}") from None
        if not isinstance(request, dict):
            raise DataError(f"{path}, line {number}: no JSON object: {line!r}.")
        yield request


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
    request = setting.parts.request
    if request is None:
        raise DataError(f"tasks of setting {config.setting!r} have no requests.")
    find = functools.partial(request, config, setting.load(config, dataset_dir))

    def request_of(task_id: str) -> Request:
        if (found := find(task_id)) is not None:
            return found
        raise DataError(
            f"a task must be {prepared_tasks(config, dataset_dir)}, got {task_id!r}; "
            f"a {config.task_word} with too few pairs is none."
        )

    return request_of


def prepared_tasks(config: Experiment, dataset_dir: pathlib.Path) -> str:
    """Names some tasks of meta-test of a prepared data set, in words.

    TensorFlow, which takes seconds to import, is not needed.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Raises:
        DataError: If a file of it is damaged.
    """
    names = task_names(dataset_dir, config.task_word)
    ids = itertools.islice(read_task_ids(dataset_dir, META_TEST), _NUM_NAMED)
    some = [names.get(one, one) for one in ids]
    kind = f"the {'id or name' if names else 'id'} of a {config.task_word}"
    return f"{kind} of {dataset_dir}, such as {_listed(some)} of {META_TEST}"


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(map(repr, texts))
