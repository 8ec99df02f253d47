"""The prepared data set of an experiment: where it lies, and what all of them say."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.experiment.config_section import Experiment
from transforms import schema
from transforms.paths import path_of
from transforms.plural import counted
from transforms.schema import DataError, read_dataset_json


@dataclasses.dataclass(frozen=True)
class PreparedFacts:
    """What `dataset.json` says in every setting.

    Attributes:
        fingerprint: Of inputs and options.
        num_tasks: Tasks by split.
        options: What `dataset.json` says of `data`.
    """

    fingerprint: str
    num_tasks: Mapping[str, int]
    options: Mapping[str, Any]


def prepared_facts(dataset_dir: pathlib.Path) -> PreparedFacts:
    """Reads what every setting knows of a prepared data set.

    Raises:
        DataError: If it is missing or incomplete.
    """
    values = json.loads(read_dataset_json(dataset_dir))
    options = values.get("options", {})
    return PreparedFacts(values["fingerprint"], values["num_tasks"], options)


def way_to_more_tasks(options: Mapping[str, Any], times: str = "") -> str:
    """Says how a split gets more tasks.

    Args:
        options: What `dataset.json` says of `data`.
        times: From when to when rows are, in words; "" if that is not known.
    """
    split = options.get("split", {})
    among = f"among {times}" if times else "of the kind that the time column has"
    if are_split_by_time(options):
        return (
            f"set another data.split.test_from than {split['test_from']}, {among} "
            "(dates are seconds since 1970), and another data.split.validation_from or "
            "validation_fraction"
        )
    both = ""
    if split.get("test_from") is not None:
        both = (
            "a scenario is asked about if it has clicks before data.split.test_from, "
            f"{split['test_from']}, and from then on, so set another, {among}; or "
        )
    if path := split.get("path"):
        return f"{both}name more of them in data.split.path, {path}"
    return both + (
        "set another data.split.seed or other fractions in data.split, or name them in "
        "a file, data.split.path"
    )


def are_split_by_time(options: Mapping[str, Any]) -> bool:
    """Whether tasks are split by time, not only the pairs of scenarios.

    Args:
        options: What `dataset.json` says of `data`.
    """
    is_of_users = options.get("task", "user") == "user"
    by_time = options.get("episodes", {}).get("order") == "time"
    has_start = options.get("split", {}).get("test_from") is not None
    return has_start and (is_of_users or by_time)


def directory_of(config: Experiment, fingerprint: str) -> pathlib.Path:
    """Names the directory of the data set with a fingerprint."""
    return path_of(config.prepared_dir) / config.name / fingerprint


def is_complete(dataset_dir: pathlib.Path) -> bool:
    """Whether a directory is a whole prepared data set."""
    return (dataset_dir / schema.SUCCESS).is_file()


def check_splits(dataset_dir: pathlib.Path, *, judged: str | None = None) -> None:
    """Refuses a data set that is too small to train with.

    Args:
        dataset_dir: Where it is.
        judged: A split that must have tasks too.

    Raises:
        DataError: If it has no meta-validation task or fewer than 2 meta-train tasks,
            or none of that split.
    """
    facts = prepared_facts(dataset_dir)
    num_tasks, cure = facts.num_tasks, way_to_more_tasks(facts.options)
    if judged and not num_tasks.get(judged):
        raise DataError(
            f"{dataset_dir} holds no {judged} tasks to judge methods on: {cure}."
        )
    for split, needed in ((schema.META_TRAIN, 2), (schema.META_VALIDATION, 1)):
        number = num_tasks.get(split, 0)
        if number < needed:
            at_least = counted(needed, f"{split} task")
            raise DataError(
                f"{dataset_dir} must hold at least {at_least} to train with, got "
                f"{number}: {cure}."
            )


def task_names(dataset_dir: pathlib.Path, word: str) -> Mapping[str, str]:
    """Returns what tasks are called by id, behind their domain if there are several.

    Args:
        dataset_dir: The prepared data set.
        word: What a task is, such as "scenario".

    Returns:
        Empty where tasks have no names.
    """
    path = dataset_dir / schema.NAMES_DIR / f"{word}.txt"
    if not path.is_file():
        return {}
    ids = read_ids(dataset_dir, f"{word}_id")[1:]
    names = path.read_text(encoding="utf-8").split("\n")[:-1]
    if len(json.loads(read_dataset_json(dataset_dir)).get("domains", ())) > 1:
        prefixes = [task_id.partition(":")[0] for task_id in ids]
        names = [f"{p}: {name}" for p, name in zip(prefixes, names, strict=True)]
    return dict(zip(ids, names, strict=True))


def read_ids(dataset_dir: pathlib.Path, name: str) -> NDArray[np.object_]:
    """Reads the ids by row; row 0, unknown, is empty."""
    path = dataset_dir / schema.VOCABULARY_DIR / f"{name}.txt"
    ids = path.read_text(encoding="utf-8").split("\n")[:-1]
    return np.array(["", *ids], dtype=object)
