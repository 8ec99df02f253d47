"""What a training with users as tasks is looked at with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.rating_metrics import mae
from models.legacy_keras import tf
from models.recommender import Episode, split_episode
from pipeline.insight.modulation_values import Values, named_values
from pipeline.judging.variant_scores import exchange_support
from pipeline.settings.user.config import EvaluationConfig
from pipeline.settings.user.loaded_dataset import LoadedDataset
from transforms import schema

_GAIN_TASKS, _HEALTH_TASKS, _SHOWN_TASKS = 128, 16, 2


class UserProbe:
    """Looks at a model by the first users of meta-validation.

    The gain is that of the mae of up to 128 of them, health that of 16, pictures are of
    two.

    Args:
        dataset: The data set.
        options: How many support pairs are shown.

    Attributes:
        episode: The users whose health is looked at.
    """

    def __init__(self, dataset: LoadedDataset, options: EvaluationConfig) -> None:
        episodes = fixed_episodes(
            dataset.directory,
            schema.META_VALIDATION,
            max_support_size=options.support_size,
            batch_size=_GAIN_TASKS,
        )
        self._own = next(iter(episodes))
        self._ids = [task_id.decode() for task_id in self._own.pop("task_id").numpy()]
        self.episode: Episode = _first(self._own, _HEALTH_TASKS)

    def adaptation_gain(self, model: Any) -> dict[str, float]:
        """Returns what the mae falls by, in the unit of the labels; see `Probe`."""
        mask = self._own["support_mask"]
        empty = {**self._own, "support_mask": tf.zeros_like(mask)}
        parts = (self._own, empty, exchange_support(self._own))
        own, without, other = _mean_mae(model, parts)
        gain = {"over_empty": without - own}
        return gain | ({"over_other": other - own} if len(self._ids) > 1 else {})

    def modulations(self, model: Any) -> Mapping[str, Values]:
        """Returns means over the query pairs of two users; see `Probe`."""
        support, query = split_episode(_first(self._own, _SHOWN_TASKS))
        values = model.modulate(model.adapt(support), model.query_pairs(query))
        named = named_values(values, model.modulation.value_names)
        return {
            f"user {task_id}": one
            for task_id, one in zip(self._ids, named, strict=False)
        }


def _first(episode: Episode, num_tasks: int) -> dict[str, tf.Tensor]:
    return {name: value[:num_tasks] for name, value in episode.items()}


def _mean_mae(model: Any, parts: Sequence[Episode]) -> list[float]:
    """Returns the mae of batches of as many tasks each, scored all at once."""
    together = {
        name: tf.concat([part[name] for part in parts], axis=0) for name in parts[0]
    }
    errors = mae(together["query_label"], model(together), together["query_mask"])
    return [float(np.nanmean(part)) for part in np.split(errors, len(parts))]
