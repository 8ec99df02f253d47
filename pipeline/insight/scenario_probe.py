"""What a training with scenarios as tasks is looked at with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.episodes.click_episodes import (
    EpisodeSizes,
    support_episode,
    training_episodes,
)
from models.episodes.click_records import ScenarioTask
from models.evaluation.ranking_metrics import CHOSEN_BY
from models.legacy_keras import tf
from models.recommender import Episode
from pipeline.insight.modulation_values import Values, named_values
from pipeline.reports.run.ranking_table import (
    OTHER_SUPPORT,
    OWN_SUPPORT,
    few_shot_group,
)
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.loaded_scenarios import LoadedScenarios
from pipeline.settings.scenario.ranking import Ranker
from pipeline.settings.scenario.ranking_groups import ShownGroup, ranking_groups
from pipeline.settings.scenario.scenario_names import scenario_names
from transforms import schema

_GAIN_TASKS, _GAIN_USERS = 16, 10
_HEALTH_TASKS = 4
_SHOWN_TASKS, _SHOWN_PAIRS = 2, 64


class ScenarioProbe:
    """Looks at a model by the first scenarios of meta-validation.

    The gain is that of the recall@20 of up to 10 users of each of 16, health that of 4,
    pictures are of two.

    Args:
        dataset: The data set.
        config: How many clicks are shown.
        sizes: Of the episodes whose health is looked at.
        ranker: Ranks with the model that is looked at.

    Attributes:
        episode: The scenarios whose health is looked at.
    """

    def __init__(
        self,
        dataset: LoadedScenarios,
        config: ScenarioConfig,
        sizes: EpisodeSizes,
        ranker: Ranker,
    ) -> None:
        tasks = dataset.tasks(schema.META_VALIDATION)
        self._tasks = [task for task in tasks if task.query_item.size][:_GAIN_TASKS]
        self._names = scenario_names(dataset.directory)
        self._is_hybrid = len(dataset.info.domains) > 1
        self._options = config.evaluation.model_copy(
            update={"few_shot_sizes": (0,), "few_shot_users": _GAIN_USERS}
        )
        episodes = training_episodes(
            tasks, sizes, batch_size=_HEALTH_TASKS, seed=config.training.seed
        )
        self.episode: Episode = next(iter(episodes))
        self._ranker = ranker

    def adaptation_gain(self, model: Any) -> dict[str, float]:
        """Returns what recall@20 of the ranker, which has the model, rises by."""
        groups = ranking_groups(self._tasks, self._options, self._is_hybrid)
        recall = {
            name: self._mean_recall(groups[name])
            for name in (OWN_SUPPORT, few_shot_group(0), OTHER_SUPPORT)
            if name in groups
        }
        own = recall.pop(OWN_SUPPORT)
        gain = {"over_empty": own - recall[few_shot_group(0)]}
        if OTHER_SUPPORT in recall:
            gain["over_other"] = own - recall[OTHER_SUPPORT]
        return gain

    def modulations(self, model: Any) -> Mapping[str, Values]:
        """Returns means over held-out clicks of two scenarios; see `Probe`."""
        found: dict[str, Values] = {}
        for task in self._tasks[:_SHOWN_TASKS]:
            support = support_episode(
                task,
                max_clicks=self._options.support_size,
                num_negatives=self._options.support_negatives,
            )
            pairs = model.query_pairs(_clicks(task))
            values = model.modulate(model.adapt(support), pairs)
            name = self._names.get(task.scenario_id, task.scenario_id)
            (found[name],) = named_values(values, model.modulation.value_names)
        return found

    def _mean_recall(self, shown: ShownGroup) -> float:
        ranked = self._ranker.rank(
            self._tasks,
            support_size=shown.support_size,
            support_negatives=self._options.support_negatives,
            supports=shown.supports,
            max_users=shown.max_users,
        )
        return float(np.nanmean(ranked.metrics().by_scenario()[CHOSEN_BY]))


def _clicks(task: ScenarioTask) -> Episode:
    """Returns the first held-out clicks of a scenario as a query, [1, Q]."""
    return {
        "query_user": tf.constant(task.query_user[np.newaxis, :_SHOWN_PAIRS]),
        "query_item": tf.constant(task.query_item[np.newaxis, :_SHOWN_PAIRS]),
    }
