"""Groups of scenarios, by what is shown of each."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from models.evaluation.intervals import Interval, metric_intervals
from models.evaluation.ranking_metrics import pair_mean
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from pipeline.settings.scenario.metrics import metrics_by_task, metrics_by_user

SCENARIO_MEAN = "scenario_mean"
USER_MEAN = "user_mean"
PAIR_MEAN = "pair_mean"
CATALOGUE_MEAN = "catalogue_mean"

_WORDS: Mapping[str, str] = {
    SCENARIO_MEAN: "scenarios that training has not seen",
    f"{SCENARIO_MEAN}/own_support": "the same, ranked for some of their users",
    f"{SCENARIO_MEAN}/other_support": (
        "those, shown the support set of another scenario"
    ),
    CATALOGUE_MEAN: "no pool given: the whole catalogue ranked for some of their users",
    f"{CATALOGUE_MEAN}/other_support": (
        "the whole catalogue, shown the support set of another scenario"
    ),
}


_WORDS_OF_USERS: Mapping[str, str] = {
    USER_MEAN: "users that training has not seen",
    f"{USER_MEAN}/own_support": "the same, some of them",
    f"{USER_MEAN}/other_support": "those, shown the clicks of another user",
}


def mean_name(data: ScenarioData) -> str:
    """Returns what tasks are called where each counts alike, by what they are."""
    return USER_MEAN if data.info.has_user_tasks else SCENARIO_MEAN


def group_words(data: ScenarioData) -> dict[str, str]:
    """Returns what groups are, in a few words."""
    words = _WORDS_OF_USERS if data.info.has_user_tasks else _WORDS
    tasks = "users" if data.info.has_user_tasks else "scenarios"
    domains = [domain.name for domain in data.info.domains]
    of_domains = {
        f"{mean_name(data)}/domain_{name}": f"{tasks} of {name}" for name in domains
    }
    return {**words, **(of_domains if len(domains) > 1 else {})}


def scenario_groups(
    config: ScenarioConfig, data: ScenarioData, split: str
) -> list[Shown]:
    """Returns all users, some of them with other support sets, then without pools."""
    options = config.evaluation
    size = options.support_size
    main = Shown(mean_name(data), split, size, size)
    some = some_users(main, data, options.few_shot_users)
    few = [some.few(smaller) for smaller in options.few_shot_sizes if smaller < size]
    groups = [main, *few]
    if some != main:
        groups.append(some)
    whole = catalogue_group(config, split)
    has_others = data.info.num_tasks.get(split, 0) > 1
    if has_others:
        groups.append(some.with_other_support())
    if data.info.has_user_tasks:  # Nothing else is asked of them.
        return groups
    return [*groups, whole, *([whole.with_other_support()] if has_others else [])]


def some_users(shown: Shown, data: ScenarioData, most: int | None) -> Shown:
    """Returns a group with fewer users, of each scenario unless each is a task."""
    if data.info.has_user_tasks:
        return dataclasses.replace(shown, max_users=most, max_tasks=most)
    return dataclasses.replace(shown, max_users=most)


def catalogue_group(config: ScenarioConfig, split: str) -> Shown:
    """Returns the scenarios of a split, the whole catalogue to be ranked."""
    options = config.evaluation
    return Shown(
        CATALOGUE_MEAN,
        split,
        options.support_size,
        options.support_size,
        max_users=options.catalogue_users,
        is_open=True,
    )


def domain_of(task_id: str) -> str:
    """Returns the domain of a scenario of a hybrid data set."""
    return task_id.partition(":")[0]


def by_domain(
    config: ScenarioConfig, data: ScenarioData, scored: Mapping[str, ScoredPairs]
) -> dict[str, ScoredPairs]:
    """Parts the pairs by domain, if there are several."""
    del config
    if len(data.info.domains) < 2:
        return {}
    name = mean_name(data)
    pairs = scored[name]
    domains = np.array([domain_of(task_id) for task_id in pairs.task_ids])
    return {
        f"{name}/domain_{domain}": pairs.of_tasks(domains == domain)
        for domain in dict.fromkeys(domains.tolist())
    }


def pair_means(
    config: ScenarioConfig, data: ScenarioData, scored: Mapping[str, ScoredPairs]
) -> dict[str, dict[str, Interval]]:
    """Returns the means over all users of all scenarios, and those of each domain.

    Users who are tasks count alike in any mean, so that there is but one of them.
    """
    seed, num_resamples = config.evaluation.seed, config.evaluation.num_resamples
    intervals = {}
    if not data.info.has_user_tasks:
        by_user = metrics_by_user(scored[SCENARIO_MEAN])
        means = {
            name: pair_mean(by_user, name, seed, num_resamples)
            for name in by_user.values
        }
        intervals[PAIR_MEAN] = {
            name: one for name, one in means.items() if one.num_tasks
        }
    for group, pairs in by_domain(config, data, scored).items():
        by_task = metrics_by_task(pairs)
        intervals[group] = metric_intervals(by_task, seed, num_resamples)
    return intervals
