"""Baselines of scenarios, hyperparameters chosen on meta-validation."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.baselines.clicks.registry import BASELINES
from models.evaluation.ranking_metrics import CHOSEN_BY
from models.recommender import Recommender
from pipeline.experiment.progress import say
from pipeline.settings.scenario.config import ScenarioEvaluationConfig
from pipeline.settings.scenario.loaded_scenarios import LoadedScenarios
from pipeline.settings.scenario.ranking import rank_tasks
from transforms import schema


def fit_baselines(
    names: Sequence[str], dataset: LoadedScenarios, options: ScenarioEvaluationConfig
) -> tuple[dict[str, Recommender], dict[str, dict[str, Any]]]:
    """Makes baselines.

    Args:
        names: Which ones.
        dataset: The data set.
        options: Sizes of support sets.

    Returns:
        The baselines by name, and what was chosen of their grids.
    """
    tasks = dataset.tasks(schema.META_VALIDATION)
    fitted: dict[str, Recommender] = {}
    chosen: dict[str, dict[str, Any]] = {}
    for name in names:
        say(f"baselines: fitting {name}")
        method_class = BASELINES[name]
        best = -np.inf
        grid = method_class.GRID
        for values in itertools.product(*grid.values()):
            hyperparameters = dict(zip(grid, values, strict=True))
            method = method_class.fit(dataset.known, dataset.vectors, **hyperparameters)
            figure = 0.0
            if grid:  # Else there is nothing to choose.
                ranked = rank_tasks(
                    method,
                    tasks,
                    support_size=options.support_size,
                    support_negatives=options.support_negatives,
                    seed=options.seed,
                )
                figure = float(np.nanmean(ranked.metrics().by_scenario()[CHOSEN_BY]))
            if figure > best:
                best, fitted[name], chosen[name] = figure, method, hyperparameters
    return fitted, chosen
