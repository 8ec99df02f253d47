"""The metric of every task, of exported versions and of baselines."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.ranking_metrics import CHOSEN_BY
from models.recommender import Recommender
from pipeline.experiment.config_section import Experiment, PushConfig
from pipeline.experiment.progress import say
from pipeline.judging import fitted_baselines
from pipeline.judging import fitted_scenario_baselines as scenario_baselines
from pipeline.serving.gate.exported_recommender import (
    ExportedRecommender,
    scenario_requests,
    user_requests,
)
from pipeline.settings.scenario import config as scenario_config
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import load_scenarios
from pipeline.settings.scenario.ranking import Ranker
from pipeline.settings.user.config import BaselineName, Config
from pipeline.settings.user.group_scores import score_groups
from pipeline.settings.user.loaded_dataset import load_dataset
from transforms.schema import DataError, read_dataset_json

_DEFAULT_BASELINES = {"user": ("bias_ridge",), "scenario": ("popularity",)}


@dataclasses.dataclass(frozen=True, eq=False)
class TaskFigures:
    """One metric of T tasks.

    Attributes:
        metric: Its name.
        direction: -1 if lower is better, otherwise 1.
        by_method: float64 [T], NaN for a task without value, by name of a version or
            baseline.
    """

    metric: str
    direction: int
    by_method: Mapping[str, NDArray[np.float64]]


def baseline_names(config: Experiment, options: PushConfig) -> Sequence[str]:
    """Returns the baselines that a version must beat.

    Raises:
        ValueError: If the setting has no baseline of that name.
    """
    if options.baselines is None:
        return _DEFAULT_BASELINES[config.setting]
    is_user = config.setting == "user"
    known = get_args(BaselineName if is_user else scenario_config.BaselineName)
    if unknown := sorted(set(options.baselines) - set(known)):
        raise ValueError(
            f"push.baselines: {unknown[0]!r} is no baseline of setting "
            f"{config.setting!r}; valid: {sorted(known)}."
        )
    return options.baselines


def task_figures(
    config: Experiment,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    versions: Mapping[str, pathlib.Path],
) -> TaskFigures:
    """Asks versions and baselines for the same pairs, after the same support sets.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        options: The split, the baselines, and the seed.
        versions: Version directories by name.

    Raises:
        DataError: If the split has no task.
        NotFiniteError: If a version has scores that no metric can be taken of.
    """
    num_tasks = json.loads(read_dataset_json(dataset_dir))["num_tasks"]
    if not num_tasks.get(options.split):
        raise DataError(
            f"push.split must name tasks to judge by, {dataset_dir} has none of "
            f"{options.split!r}."
        )
    if isinstance(config, ScenarioConfig):
        return _recall(config, dataset_dir, options, versions)
    assert isinstance(config, Config)  # There are no other settings.
    return _error(config, dataset_dir, options, versions)


def _error(
    config: Config,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    versions: Mapping[str, pathlib.Path],
) -> TaskFigures:
    """Returns the mean absolute error of every user."""
    dataset = load_dataset(dataset_dir)
    to_request = user_requests(dataset)
    methods: dict[str, Recommender] = {
        name: ExportedRecommender(path, to_request) for name, path in versions.items()
    }
    names = baseline_names(config, options)
    methods |= fitted_baselines.fit_baselines(names, dataset, config.evaluation)
    episodes = fixed_episodes(
        dataset_dir,
        options.split,
        max_support_size=config.evaluation.support_size,
        batch_size=config.evaluation.batch_size,
    )
    found = {}
    for name, method in methods.items():
        say(f"push: scoring {options.split} with {name}")
        ((_, scored),) = score_groups(method, {options.split: episodes})
        found[name] = scored.metrics(options.seed)["mae"]
    return TaskFigures("mae", -1, found)


def _recall(
    config: ScenarioConfig,
    dataset_dir: pathlib.Path,
    options: PushConfig,
    versions: Mapping[str, pathlib.Path],
) -> TaskFigures:
    """Returns the recall of every scenario, the mean over its users."""
    dataset = load_scenarios(config, dataset_dir)
    to_request = scenario_requests(dataset_dir)
    methods: dict[str, Recommender] = {
        name: ExportedRecommender(path, to_request) for name, path in versions.items()
    }
    names = baseline_names(config, options)
    baselines, _ = scenario_baselines.fit_baselines(names, dataset, config.evaluation)
    found = {}
    for name, method in (methods | baselines).items():
        say(f"push: ranking {options.split} with {name}")
        ranked = Ranker(method, options.seed).rank(
            dataset.tasks(options.split),
            support_size=config.evaluation.support_size,
            support_negatives=config.evaluation.support_negatives,
            max_users=options.max_users,
        )
        found[name] = ranked.metrics().by_scenario()[CHOSEN_BY]
    return TaskFigures(CHOSEN_BY, 1, found)
