"""The step `compare` with scenarios: every method ranks the same pools."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from models.baselines.clicks.learned_registry import LEARNED
from models.baselines.clicks.registry import BASELINES
from models.episodes.click_episodes import training_episodes
from models.evaluation.ranking_metrics import CHOSEN_BY
from models.options import MODEL_VERSION
from models.recommender import Episode, Recommender
from pipeline.judging.contender import Changes
from pipeline.judging.cost import Cost, in_own_process, measure_cost
from pipeline.judging.flags import CONSTANT, PERFECT
from pipeline.judging.known_methods import known_methods
from pipeline.judging.results import Setup
from pipeline.reports.run.ranking_table import (
    OTHER_SUPPORT,
    OWN_SUPPORT,
    SCENARIO_MEAN,
    domain_group,
    few_shot_group,
)
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import (
    LoadedScenarios,
    load_scenarios,
    vectors_dir,
)
from pipeline.settings.scenario.ranking import RankedClicks, Ranker
from pipeline.settings.scenario.ranking_groups import ranking_groups
from pipeline.experiment.config_file import hash_of
from pipeline.steps.compare import STEP
from pipeline.steps.scenarios.contenders import contender
from pipeline.steps.scenarios.train import episode_sizes
from pipeline.steps.tournament import Field, hold
from pipeline.steps.train import check_splits
from transforms import schema

_SECONDARY = ("recall@5", "recall@10", "recall@50", "ndcg", "mrr")
_GROUPS = {
    SCENARIO_MEAN: "scenarios that training has not seen",
    OWN_SUPPORT: "the same, ranked for some of their users",
    OTHER_SUPPORT: "those, shown the support set of another scenario",
}


def check(
    config: ScenarioConfig, methods: Sequence[str] | None, num_seeds: int
) -> list[str]:
    """Returns the methods to be compared; arguments as in the user-specific setting.

    Raises:
        ValueError: If a method or one of its options is unknown, or there is no seed.
    """
    if num_seeds < 1:
        raise ValueError(f"--seeds must be at least 1, got {num_seeds}.")
    return known_methods(config, methods, simple=BASELINES, learned=LEARNED)


def compare(
    config: ScenarioConfig,
    dataset_dir: pathlib.Path,
    *,
    methods: Sequence[str],
    num_seeds: int,
    split: str,
    command: str,
) -> str:
    """Tunes, trains, ranks and times methods, and lays the results out.

    Arguments, result and errors are as in the user-specific setting.
    """
    dataset = load_scenarios(config, dataset_dir)
    check_splits(dataset.info, dataset_dir, judged=split)
    options = config.evaluation
    judge = ScenarioJudge(dataset, split, config)
    setup = Setup(
        name=config.name,
        setting=config.setting,
        split=split,
        primary=CHOSEN_BY,
        secondary=_SECONDARY,
        groups={**_GROUPS, **judge.domains},
        few_shot={
            **{
                size: few_shot_group(size)
                for size in options.few_shot_sizes
                if size < options.support_size
            },
            options.support_size: OWN_SUPPORT,
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
        judge=judge,
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


class ScenarioJudge:
    """Ranks the pools of scenarios with methods.

    Args:
        dataset: The prepared data set.
        split: The scenarios to be ranked for.
        config: The experiment.

    Attributes:
        domains: A sentence for each group of one domain, if there are several.
    """

    def __init__(
        self, dataset: LoadedScenarios, split: str, config: ScenarioConfig
    ) -> None:
        self._options = config.evaluation
        self._validation = dataset.tasks(schema.META_VALIDATION)
        self._tasks = dataset.tasks(split)
        self._is_hybrid = len(dataset.info.domains) > 1
        domains = [task.scenario_id.partition(":")[0] for task in self._tasks]
        self._domains = np.array(domains)
        self.domains: dict[str, str] = {}
        if self._is_hybrid:
            self.domains = {
                domain_group(domain): f"scenarios of {domain}"
                for domain in dict.fromkeys(domains)
            }
        vectors = vectors_dir(config, dataset.directory, dataset.info)
        self.fingerprint = hash_of(
            *(MODEL_VERSION, dataset.info.fingerprint, split),
            *(vectors.name, config.evaluation),
        )

    def figure(self, method: Recommender) -> float:
        """Returns Recall@20 on meta-validation."""
        ranked = Ranker(method, self._options.seed).rank(
            self._validation,
            support_size=self._options.support_size,
            support_negatives=self._options.support_negatives,
        )
        return float(np.nanmean(ranked.metrics().by_scenario()[CHOSEN_BY]))

    def judge(
        self, method: Recommender
    ) -> tuple[Mapping[str, Mapping[str, np.ndarray]], tuple[str, ...]]:
        """Returns the metrics of every scenario by group, and what is suspicious."""
        ranker = Ranker(method, self._options.seed)
        found: dict[str, Mapping[str, np.ndarray]] = {}
        flags: tuple[str, ...] = ()
        groups = ranking_groups(self._tasks, self._options, self._is_hybrid)
        for group, shown in groups.items():
            ranked = ranker.rank(
                self._tasks,
                support_size=shown.support_size,
                support_negatives=self._options.support_negatives,
                supports=shown.supports,
                max_users=shown.max_users,
            )
            found[group] = ranked.metrics().by_scenario()
            if group == SCENARIO_MEAN:
                flags = ranking_flags(ranked)
        for domain in dict.fromkeys(self._domains) if self._is_hybrid else ():
            found[domain_group(domain)] = {
                metric: np.where(self._domains == domain, values, np.nan)
                for metric, values in found[SCENARIO_MEAN].items()
            }
        return found, flags


def ranking_flags(ranked: RankedClicks) -> tuple[str, ...]:
    """Returns what is suspicious about a ranking, as `comparison.flags` names it."""
    flags = []
    low, high = ranked.score.min(), ranked.score.max()
    if high - low <= 1e-6 * max(1.0, abs(float(high))):
        flags.append(CONSTANT)
    if float(np.nanmean(ranked.metrics().values["ndcg"])) >= 1.0 - 1e-6:
        flags.append(PERFECT)
    return tuple(flags)


def method_cost(
    config: ScenarioConfig,
    dataset_dir: pathlib.Path,
    name: str,
    hyperparameters: Changes,
) -> Cost:
    """Measures what a method costs; to be called in a process of its own."""
    dataset = load_scenarios(config, dataset_dir)
    method = contender(name, config, dataset).build(hyperparameters)
    return measure_cost(method, _batch(config, dataset))


def _batch(config: ScenarioConfig, dataset: LoadedScenarios) -> Episode:
    """Returns one batch of meta-train, the same every time."""
    tasks = dataset.tasks(schema.META_TRAIN)
    episodes = training_episodes(
        tasks,
        episode_sizes(config.training),
        batch_size=min(config.training.batch_size, len(tasks)),
        seed=0,
    )
    batch: Episode = next(iter(episodes))
    return batch
