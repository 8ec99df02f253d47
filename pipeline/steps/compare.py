"""The step `compare`: every method on the same frozen episodes, with its cost."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from models.baselines.ratings.learned_registry import LEARNED
from models.baselines.ratings.registry import BASELINES
from models.baselines.ratings.selection import mean_task_mae
from models.episodes.rating_episodes import fixed_episodes, training_episodes
from models.options import MODEL_VERSION
from models.recommender import Episode, Recommender
from pipeline.judging.contender import Changes
from pipeline.judging.cost import Cost, in_own_process, measure_cost
from pipeline.judging.flags import score_flags
from pipeline.judging.known_methods import known_methods
from pipeline.judging.results import Setup
from pipeline.settings.user.cold_start_groups import (
    GROUPS,
    OTHER_SUPPORT,
    comparison_groups,
    score_comparison,
)
from pipeline.settings.user.config import Config
from pipeline.experiment.config_file import hash_of
from pipeline.settings.user.group_scores import COLD, few_shot_group
from pipeline.settings.user.loaded_dataset import LoadedDataset, load_dataset
from pipeline.steps.contenders import contender
from pipeline.steps.tournament import Field, hold
from pipeline.steps.train import check_splits
from transforms import schema
from transforms.schema import load_dataset_info

STEP = "compare"
_COST_TASKS = 32
_COST_SUPPORT, _COST_QUERY = 40, 10


def check(config: Config, methods: Sequence[str] | None, num_seeds: int) -> list[str]:
    """Returns the methods to be compared.

    Args:
        config: The experiment.
        methods: As typed; those of the configuration if None, else all there are.
        num_seeds: Seeds of each method.

    Raises:
        ValueError: If a method or one of its options is unknown, or there is no seed.
    """
    if num_seeds < 1:
        raise ValueError(f"--seeds must be at least 1, got {num_seeds}.")
    return known_methods(config, methods, simple=BASELINES, learned=LEARNED)


def compare(
    config: Config,
    dataset_dir: pathlib.Path,
    *,
    methods: Sequence[str],
    num_seeds: int,
    split: str,
    command: str,
) -> str:
    """Tunes, trains, scores and times methods, and lays the results out.

    Each training is a run of its own, which resumes if it was killed and is found
    again if it is finished, in whatever comparison it stands.

    Args:
        config: The experiment.
        dataset_dir: The prepared data set.
        methods: Names of the methods.
        num_seeds: Seeds of each method, unless the configuration has a lower limit.
        split: "meta_test" to report, "meta_validation" to look before.
        command: What was typed, to be told.

    Returns:
        A table for people to read, in Markdown; it and the other results are written
        to `runs/<name>/compare/<split>/`.

    Raises:
        DataError: If the data set has too few tasks, or none of the split.
    """
    dataset = load_dataset(dataset_dir)
    check_splits(dataset.info, dataset_dir, judged=split)
    options = config.evaluation
    setup = Setup(
        name=config.name,
        setting=config.setting,
        split=split,
        primary="mae",
        secondary=("rmse", "ndcg@1", "ndcg@3", "ndcg@5"),
        groups=dict(GROUPS),
        few_shot={
            **{
                size: few_shot_group(size)
                for size in options.few_shot_sizes
                if size < options.support_size
            },
            options.support_size: COLD,
        },
        seeds=tuple(range(num_seeds)),
        num_tasks=dataset.info.num_tasks[split],
        num_trials=config.comparison.num_trials,
        controls=(OTHER_SUPPORT,),
        commands=(command,),
        num_resamples=config.comparison.num_resamples,
        seed=options.seed,
    )
    field = Field(
        setup=setup,
        judge=UserJudge(dataset, split, config),
        contender=lambda name, chosen: contender(name, config, dataset, chosen),
        cost=lambda name, hyperparameters: in_own_process(
            method_cost, config, dataset_dir, name, hyperparameters
        ),
        learned=LEARNED,
        max_seeds=config.comparison.max_seeds,
        fingerprint=hash_of(
            MODEL_VERSION, dataset.info.fingerprint, *config.weight_sections
        ),
        folder=pathlib.Path(config.runs_dir, config.name, STEP, split),
    )
    return hold(field, methods, num_seeds)


class UserJudge:
    """Scores methods on the frozen episodes of users.

    Args:
        dataset: The prepared data set.
        split: Whose tasks are cold.
        config: The experiment.
    """

    def __init__(self, dataset: LoadedDataset, split: str, config: Config) -> None:
        self._dataset = dataset
        self._options = config.evaluation
        self._groups = comparison_groups(dataset, split, config.evaluation)
        self.fingerprint = hash_of(
            MODEL_VERSION, dataset.info.fingerprint, split, config.evaluation
        )

    def figure(self, method: Recommender) -> float:
        """Returns the MAE on meta-validation, its sign turned."""
        batches = fixed_episodes(
            self._dataset.directory,
            schema.META_VALIDATION,
            max_support_size=self._options.support_size,
            batch_size=self._options.batch_size,
        )
        return -mean_task_mae(method, list(batches))

    def judge(
        self, method: Recommender
    ) -> tuple[Mapping[str, Mapping[str, np.ndarray]], tuple[str, ...]]:
        """Returns the metrics of every task by group, and what is suspicious."""
        found, cold = score_comparison(
            method, self._groups, self._dataset, self._options.seed
        )
        return found, score_flags(cold.labels, cold.scores, cold.mask)


def method_cost(
    config: Config, dataset_dir: pathlib.Path, name: str, hyperparameters: Changes
) -> Cost:
    """Measures what a method costs; to be called in a process of its own."""
    dataset = load_dataset(dataset_dir)
    method = contender(name, config, dataset).build(hyperparameters)
    return measure_cost(method, _batch(dataset_dir))


def _batch(dataset_dir: pathlib.Path) -> Episode:
    """Returns one batch of meta-train, the same every time."""
    episodes = training_episodes(
        dataset_dir,
        support_size=_COST_SUPPORT,
        query_size=_COST_QUERY,
        batch_size=min(
            _COST_TASKS, load_dataset_info(dataset_dir).num_tasks[schema.META_TRAIN]
        ),
        seed=0,
    )
    batch: Episode = next(iter(episodes))
    return batch
