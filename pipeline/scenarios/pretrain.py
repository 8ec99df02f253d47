"""The step `pretrain`: known clicks to vectors of users and items."""

import itertools
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from models.scenarios.baselines.dot_product import DotProduct
from models.scenarios.records import load_known_clicks, load_tasks
from models.scenarios.vector_files import save_vectors
from models.scenarios.vectors import FactorisationOptions, fit_vectors
from pipeline.progress import say
from pipeline.scenarios.config import ScenarioConfig, VectorsConfig
from pipeline.scenarios.loaded_scenarios import vectors_dir
from pipeline.scenarios.ranking import rank_tasks
from transforms import schema
from transforms.scenarios.schema import load_scenario_info
from transforms.schema import SUCCESS, DataError

_METRIC = "recall@20"


def pretrain(config: ScenarioConfig, dataset_dir: pathlib.Path) -> pathlib.Path:
    """Fits vectors, unless that has been done.

    Of the values of `config.vectors` those are taken with which the dot product of the
    vectors ranks held-out clicks of meta-validation best; only then the folds are
    fitted.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.

    Returns:
        The directory of the vectors.

    Raises:
        DataError: If there is no meta-validation task to choose by.
    """
    info = load_scenario_info(dataset_dir)
    directory = vectors_dir(config, dataset_dir, info)
    if (directory / SUCCESS).is_file():
        say(f"pretrain: {directory} is up to date")
        return directory
    known = load_known_clicks(dataset_dir, info)
    by_split = {
        split: load_tasks(dataset_dir, split, info.num_negatives)
        for split in schema.SPLITS
    }
    validation = by_split[schema.META_VALIDATION]
    if not validation:
        raise DataError(
            f"{dataset_dir} must hold at least 1 meta_validation task to choose "
            "vectors by, got 0."
        )
    pools = [task.pool for tasks in by_split.values() for task in tasks]
    found: list[tuple[float, FactorisationOptions]] = []
    for options in candidates(config.vectors):
        vectors = fit_vectors(known, info.domains, pools, options, num_folds=0)
        ranked = rank_tasks(
            DotProduct(vectors),
            validation,
            support_size=0,
            support_negatives=0,
            seed=config.evaluation.seed,
        )
        by_scenario = ranked.metrics().by_scenario()[_METRIC]
        figure = float(np.nanmean(by_scenario))
        say(f"pretrain: {_describe(options)}: meta-validation {_METRIC} {figure:.4f}")
        found.append((figure, options))
    figure, best = max(found, key=lambda pair: pair[0])
    say(f"pretrain: taking {_describe(best)}, fitting {info.num_folds} folds")
    vectors = fit_vectors(known, info.domains, pools, best, info.num_folds)
    users, items = vectors.num_fallbacks[0]
    say(f"pretrain: {users} users and {items} items have no known click")
    facts: dict[str, Any] = {
        "method": best.method,
        "chosen": {"regularization": best.regularization, "alpha": best.alpha},
        f"meta_validation_{_METRIC}": figure,
        "candidates": [
            {"regularization": o.regularization, "alpha": o.alpha, _METRIC: f}
            for f, o in found
        ],
    }
    save_vectors(directory, vectors, facts)
    return directory


def candidates(config: VectorsConfig) -> Iterator[FactorisationOptions]:
    """Yields every combination of the values to try."""
    alphas = config.alpha if config.method == "als" else config.alpha[:1]
    for regularization, alpha in itertools.product(config.regularization, alphas):
        yield FactorisationOptions(
            method=config.method,
            factors=config.factors,
            regularization=regularization,
            alpha=alpha,
            iterations=config.iterations,
            learning_rate=config.learning_rate,
            seed=config.seed,
        )


def _describe(options: FactorisationOptions) -> str:
    text = f"{options.method}, regularization {options.regularization:g}"
    return f"{text}, alpha {options.alpha:g}" if options.method == "als" else text
