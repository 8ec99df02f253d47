"""An exported version, whose signatures are called for many support sets at once."""

import functools
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.legacy_keras import tf
from models.serving.served_explanations import MAX_EXPLAINED, MAX_EXPLAINED_TASKS
from pipeline.experiment.version_dir import read_manifest
from pipeline.export.formats.tensorflow_runtime import TensorFlowRuntime
from pipeline.onboarding.tasks import ScenarioSupport, UserEpisode
from pipeline.settings.request_values import padded
from pipeline.settings.user.request_features import (
    PREFIX,
    read_feature,
    request_features,
)

_MAX_TASKS = 512  # Support sets of one request.
_MAX_PAIRS = 1 << 15  # Query pairs of one request.

_Inputs: TypeAlias = dict[str, NDArray[Any]]
_Ids: TypeAlias = NDArray[np.object_]
_Task = TypeVar("_Task")


class _ServedModel:
    """What both settings have in common."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        self._runtime = TensorFlowRuntime(directory)

    @functools.cached_property
    def is_trained(self) -> bool:
        """Whether there was an epoch: networks as of the start change nothing.

        Not to be asked of the model that a version was judged by, which is a SavedModel
        alone.
        """
        return read_manifest(self._directory).get("epochs") != 0

    def _modulations(
        self, tasks: Sequence[_Task], inputs: Callable[[Sequence[_Task]], _Inputs]
    ) -> NDArray[np.float32]:
        """Returns the mean modulation over the query of each task, [B, M].

        Args:
            tasks: The tasks.
            inputs: Makes the inputs of `explain` of as many tasks as it takes at once.
        """
        parts = [
            tasks[start : start + MAX_EXPLAINED_TASKS]
            for start in range(0, len(tasks), MAX_EXPLAINED_TASKS)
        ]
        answers = [self._runtime.ask("explain", inputs(part)) for part in parts]
        return np.concatenate([each["modulation"].mean(axis=1) for each in answers])


class ServedUsers(_ServedModel):
    """A version of the user-specific setting."""

    def profile(self, features: Mapping[str, str]) -> dict[str, Any]:
        """Returns raw features, text by name, as `UserTask` holds them.

        Several values are cut as those of the data set. What is empty, or no number
        where there must be one, is unknown.
        """
        specs = request_features(read_manifest(self._directory))
        return {
            f"{PREFIX}{name}": read_feature(text, specs[name])
            for name, text in features.items()
            if text
        }

    def rank(self, episodes: Sequence[UserEpisode]) -> list[NDArray[np.float32]]:
        """Scores the query of each episode; those of like size go in one request."""
        sizes = [(e.support.size, e.query.size) for e in episodes]
        order = sorted(range(len(episodes)), key=sizes.__getitem__)
        scores: list[NDArray[np.float32]] = [np.empty([0], np.float32)] * len(order)
        for start in range(0, len(order), _MAX_TASKS):
            places = order[start : start + _MAX_TASKS]
            part = [episodes[place] for place in places]
            queries = [e.task.items[e.query] for e in part]
            rows = self._runtime.ask("rank", self._inputs(part, queries))["score"]
            for place, row, query in zip(places, rows, queries, strict=True):
                scores[place] = row[: query.size]
        return scores

    def modulations(
        self, episodes: Sequence[UserEpisode], probes: _Ids
    ) -> NDArray[np.float32]:
        """Tells what each support set changes of the backbone.

        Args:
            episodes: B episodes, of which the support counts, at most 128 pairs.
            probes: object [Q], item ids, at most 128, at which it is looked at.

        Returns:
            float32 [B, M], means over the probes.
        """
        probes = probes[:MAX_EXPLAINED]
        return self._modulations(
            episodes, lambda part: self._inputs(part, [probes] * len(part))
        )

    def _inputs(
        self, episodes: Sequence[UserEpisode], queries: Sequence[_Ids]
    ) -> _Inputs:
        supports = [e.task.items[e.support] for e in episodes]
        labels = [e.task.labels[e.support] for e in episodes]
        profiles = {
            name: _profile_input(
                [e.task.profile.get(name) for e in episodes],
                is_number=spec.dtype == tf.float32,
                is_list=spec.shape.rank == 2,
            )
            for name, spec in self._runtime.specs("rank").items()
            if name.startswith(PREFIX)
        }
        return profiles | {
            "support_item_id": padded(supports, ""),
            "support_label": padded(labels, 0.0),
            "query_item_id": padded(queries, ""),
        }


class ServedScenarios(_ServedModel):
    """A version of the scenario-specific setting."""

    def rank(
        self, support: ScenarioSupport, users: _Ids, pool: _Ids
    ) -> NDArray[np.float32]:
        """Scores a pool of items for each of some users of a scenario, [U, P].

        Args:
            support: The support set of the scenario.
            users: object [U], user ids.
            pool: object [P], item ids.
        """
        context = self._runtime.ask("encode", _scenario_inputs([support]))["context"]
        step = max(1, min(_MAX_TASKS, _MAX_PAIRS // pool.size))
        scores = [np.empty([0, pool.size], np.float32)]
        for start in range(0, users.size, step):
            part = users[start : start + step]
            query = {
                "context": np.repeat(context, part.size, axis=0),
                "query_user_id": np.repeat(part[:, np.newaxis], pool.size, axis=1),
                "query_item_id": np.tile(pool, (part.size, 1)),
            }
            scores.append(self._runtime.ask("score", query)["score"])
        return np.concatenate(scores)

    def modulations(
        self, supports: Sequence[ScenarioSupport], users: _Ids, items: _Ids
    ) -> NDArray[np.float32]:
        """Tells what each support set changes of the backbone.

        Args:
            supports: B support sets of at most 128 pairs.
            users: object [Q], the users of the pairs at which it is looked at, at most
                128.
            items: object [Q], their items.

        Returns:
            float32 [B, M], means over the pairs.
        """

        def inputs(part: Sequence[ScenarioSupport]) -> _Inputs:
            return _scenario_inputs(part) | {
                "query_user_id": np.tile(users, (len(part), 1)),
                "query_item_id": np.tile(items, (len(part), 1)),
            }

        return self._modulations(supports, inputs)


def _scenario_inputs(supports: Sequence[ScenarioSupport]) -> _Inputs:
    return {
        "support_user_id": padded([s.users for s in supports], ""),
        "support_item_id": padded([s.items for s in supports], ""),
        "support_label": padded([s.labels for s in supports], 0.0),
    }


def _profile_input(
    values: Sequence[Any], *, is_number: bool, is_list: bool
) -> NDArray[Any]:
    """Returns a raw feature of each task as a request has it; None is unknown."""
    if is_number:
        return np.array([np.nan if v is None else v for v in values], np.float32)
    if is_list:
        return padded([[] if v is None else v for v in values], "")
    return np.array(["" if v is None else v for v in values], object)
