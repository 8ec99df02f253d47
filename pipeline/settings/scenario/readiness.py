"""What a run on clicks would come to, looked at before it is trained."""

import pathlib
from collections.abc import Iterable

import numpy as np

from models.episodes.click_records import ScenarioTask
from models.episodes.entity_table import load_entity_table
from models.evaluation.ranking_metrics import CHOSEN_BY, RECALL_CUTOFFS
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from transforms import schema
from transforms.schema import DataError

_DECISIVE = int(CHOSEN_BY.partition("@")[2])


def check_clicks(config: ScenarioConfig, data: ScenarioData) -> list[str]:
    """Looks for what would fail, or mean nothing, at the end of a run.

    Returns:
        What will be undefined, in sentences.

    Raises:
        DataError: If no item could be recommended, or no pool of meta-validation is
            large enough for the metric that decides.
    """
    check_catalogue(config, data.directory)
    sentences = []
    for split in (schema.META_VALIDATION, schema.META_TEST):
        if not data.info.num_tasks[split]:
            continue
        largest = most_candidates(data.read_tasks(split))
        if split == schema.META_VALIDATION:
            check_pools(largest)
        cutoffs = [f"recall@{k}" for k in RECALL_CUTOFFS if k >= largest]
        if cutoffs:
            sentences.append(
                f"{', '.join(cutoffs)} will be undefined on {split}: no user has more "
                f"than {largest} candidates"
            )
    return sentences


def check_catalogue(config: ScenarioConfig, dataset_dir: pathlib.Path) -> None:
    """Checks that an item can be recommended.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Raises:
        DataError: If none has the known clicks that `export` asks for.
    """
    counts = load_entity_table(dataset_dir, "item", ()).counts[1:]
    most, needed = int(counts.max(initial=0)), config.export.min_item_count
    if most < needed:
        raise DataError(
            f"some item must have export.min_item_count = {needed} known clicks to be "
            f"recommended, the most that one has are {most}: lower it."
        )


def check_pools(largest: int) -> None:
    """Checks that the metric that decides tells methods apart on meta-validation.

    Args:
        largest: The most candidates that one of its users has.

    Raises:
        DataError: If no pool is large enough.
    """
    if largest <= _DECISIVE:
        raise DataError(
            f"some user of {schema.META_VALIDATION} must have more than {_DECISIVE} "
            f"candidates, or {CHOSEN_BY} is undefined for all of them, the most are "
            f"{largest}: take larger pools (data.episodes.min_pool_size)."
        )


def most_candidates(tasks: Iterable[ScenarioTask]) -> int:
    """Returns the most candidates that a user of a query has; 0 without a query."""
    return max(map(_of_task, tasks))


def _of_task(task: ScenarioTask) -> int:
    users = np.unique(task.query_user)
    if not users.size:
        return 0
    known = np.bincount(task.known_user, minlength=int(users.max()) + 1)[users]
    return int(task.pool.size - known.min())
