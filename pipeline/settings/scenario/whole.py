"""A data set of scenarios with all clicks for training, for a refit."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from models.episodes.click_records import ScenarioTask, of_nobody, read_tasks
from models.factors.factorisation import FactorisationOptions
from models.factors.vector_files import VECTORS_JSON, save_vectors
from models.whole_files import read_json
from pipeline.experiment.progress import say
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import (
    ScenarioData,
    fit_folds,
    fit_of,
    load_factors,
    vectors_dir,
)
from transforms import schema
from transforms.clicks.schema import VECTORS_DIR


def whole_scenarios(
    config: ScenarioConfig, data: ScenarioData, folder: pathlib.Path
) -> ScenarioData:
    """Makes held-out clicks known, and fits the factors to all of them.

    The factors are fitted with the values that `pretrain` chose, in and out of fold as
    there, unless that has been done.

    Args:
        config: The experiment.
        data: The data set, its factors fitted by `pretrain`.
        folder: Where the new factors go, into `VECTORS_DIR`.
    """
    whole = dataclasses.replace(data, is_whole=True)
    directory = folder / VECTORS_DIR
    if not (directory / schema.SUCCESS).is_file():
        before = vectors_dir(config, data.directory, data.info) / VECTORS_JSON
        chosen = read_json(before)["chosen"]
        say("refit: fitting factors to all clicks, by the values that pretrain chose")
        options, num_folds = FactorisationOptions(**chosen), data.info.num_folds
        fit = fit_of(whole.known, data.directory, data.info)
        factors = fit_folds(fit, options, num_folds, "refit")
        save_vectors(directory, factors, {"chosen": chosen})
    factors = load_factors(directory, data.info, with_folds=False)
    return dataclasses.replace(whole, factors=factors, vectors_dir=directory)


def training_tasks(data: ScenarioData) -> Iterator[ScenarioTask]:
    """Yields the tasks that are trained on: of a whole data set those of all splits.

    Their held-out clicks are among the support there, each with its fold. Those of
    meta-train scenarios are in no task: they teach the factors alone.
    """
    yield from data.read_tasks(schema.META_TRAIN)
    if not data.is_whole:
        return
    known = data.known
    keys = _keys(known.user, known.item, known.num_items)
    order = np.argsort(keys)
    keys, folds = keys[order], known.fold[order]

    def fold_of(user: np.ndarray, item: np.ndarray) -> np.ndarray:
        return folds[np.searchsorted(keys, _keys(user, item, known.num_items))]

    for split in (schema.META_VALIDATION, schema.META_TEST):
        for task in read_tasks(data.directory, split, data.info):
            learnt = _with_query(task, fold_of)
            yield of_nobody(learnt) if data.info.has_user_tasks else learnt


def _with_query(
    task: ScenarioTask, fold_of: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> ScenarioTask:
    """Returns a task whose query clicks are support clicks."""
    fold = fold_of(task.query_user, task.query_item)
    return dataclasses.replace(
        task,
        support_user=np.concatenate([task.support_user, task.query_user]),
        support_item=np.concatenate([task.support_item, task.query_item]),
        support_fold=np.concatenate([task.support_fold, fold]),
        support_negative=np.concatenate([task.support_negative, task.query_negative]),
    )


def _keys(user: np.ndarray, item: np.ndarray, num_items: int) -> np.ndarray:
    """Returns a number for each pair, int64 [N]."""
    return user.astype(np.int64) * (num_items + 1) + item
