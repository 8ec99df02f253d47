"""Scores of a method on the frozen episodes of users."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from models.baselines.ratings.calibrated import Calibrated
from models.evaluation.label_gain import LabelGain
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.parts.label_levels import LabelLevels
from models.recommender import Distributional, Episode, Recommender, split_episode
from pipeline.settings.compiled import compiled_once
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.data import UserData
from pipeline.settings.user.metrics import COVERAGE
from transforms.schema import DataError


class RatingScorer:
    """Scores query pairs of users with a method; what is trained it compiles once.

    Args:
        method: A fitted method; its weights may change.
        config: The experiment.
        data: The data set.
    """

    def __init__(self, method: Recommender, config: UserConfig, data: UserData) -> None:
        answer = functools.partial(_answer, method)
        # The few operations of a simple method take less time than to compile them.
        inner = method.method if isinstance(method, Calibrated) else method
        is_trained = isinstance(inner, tf.keras.Model)
        self._answer = compiled_once(answer) if is_trained else answer
        self._batch_size = config.evaluation.batch_size
        self._data = data

    def __call__(self, shown: Shown) -> ScoredPairs:
        """Scores the query pairs of a group of users.

        Raises:
            DataError: If one user is to be shown the support set of another.
        """
        parts = [self._scored(batch) for batch in self._batches(shown)]
        return _joined(parts, self._data.label_gain)

    def score_groups(self, groups: Sequence[Shown]) -> dict[str, ScoredPairs]:
        """Scores the query pairs of several groups."""
        return {shown.group: self(shown) for shown in groups}

    def _batches(self, shown: Shown) -> Iterator[Episode]:
        size = self._batch_size
        if shown.support == "other":
            num_tasks = self._data.info.num_tasks.get(shown.split, 0)
            size = exchangeable_batch_size(num_tasks, size, shown.split)
        episodes = self._data.episodes(shown.split, shown.size, size)
        for episode in _first_tasks(episodes, shown.max_tasks):
            yield exchange_support(episode) if shown.support == "other" else episode

    def _scored(self, episode: Episode) -> tuple[list[str], Mapping[str, np.ndarray]]:
        """Returns the ids of a batch, and its pairs by column."""
        answer = self._answer(*split_episode(episode), episode["query_label"])
        mask = episode["query_mask"].numpy()
        num_pairs = mask.sum(axis=1)
        sizes = episode["support_mask"].numpy().sum(axis=1)
        columns = {
            "task": np.repeat(np.arange(len(mask)), num_pairs),
            "user": episode["query_user"].numpy()[mask],
            "item": episode["query_item"].numpy()[mask],
            "support_size": np.repeat(sizes, num_pairs),
            "label": episode["query_label"].numpy()[mask],
            **{name: value.numpy()[mask] for name, value in answer.items()},
        }
        return [task_id.decode() for task_id in episode["task_id"].numpy()], columns


def _answer(
    method: Recommender, support: Episode, query: Episode, labels: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Returns columns of `ScoredPairs` [B, Q]; labels are looked at to judge alone."""
    state = method.adapt(support)
    levels: LabelLevels | None = getattr(method, "levels", None)
    if levels is None:
        return {"score": method.score(state, query)}
    assert isinstance(method, Distributional)
    score, predicted = method.score_and_distribution(state, query)
    return {
        "score": score,
        "median": levels.quantile(predicted, 0.5),
        "gain": levels.gain(predicted),
        "log_likelihood": levels.log_likelihood(predicted, labels),
        "coverage": levels.coverage(predicted, labels, COVERAGE),
    }


def exchangeable_batch_size(num_tasks: int, batch_size: int, split: str) -> int:
    """Returns a batch size with which no task is alone in its batch.

    Raises:
        DataError: If there are fewer than 2 tasks, so that none has another.
    """
    if num_tasks < 2:
        raise DataError(
            f"{split} must hold at least 2 tasks to exchange their support sets, got "
            f"{num_tasks}."
        )
    while num_tasks % batch_size == 1 or batch_size == 1:
        batch_size += 1
    return batch_size


def exchange_support(episode: Episode) -> dict[str, tf.Tensor]:
    """Gives each task of a batch the support set of the one before."""
    return {
        name: tf.roll(value, 1, axis=0) if name.startswith("support_") else value
        for name, value in episode.items()
    }


def _first_tasks(episodes: Iterable[Episode], most: int | None) -> Iterator[Episode]:
    """Yields batches up to a number of tasks; all if there is none."""
    left = most
    for episode in episodes:
        if left is None:
            yield episode
            continue
        part = {name: value[:left] for name, value in episode.items()}
        yield part
        left -= int(part["task_id"].shape[0])
        if left <= 0:
            return


def _joined(
    parts: Sequence[tuple[list[str], Mapping[str, np.ndarray]]], gain: LabelGain
) -> ScoredPairs:
    starts = np.cumsum([0, *(len(ids) for ids, _ in parts)])
    columns = {
        name: np.concatenate([columns[name] for _, columns in parts])
        for name in parts[0][1]
    }
    columns["task"] = np.concatenate(
        [
            columns["task"] + start
            for (_, columns), start in zip(parts, starts, strict=False)
        ]
    )
    task_ids = [task_id for ids, _ in parts for task_id in ids]
    return ScoredPairs(task_ids, **columns, label_gain=gain)
