"""Scores of a method on the frozen episodes of each group of tasks."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from models.episodes.rating_episodes import fixed_episodes
from models.evaluation.rating_metrics import task_metrics
from models.legacy_keras import tf
from models.recommender import Recommender, split_episode
from pipeline.settings.user.config import EvaluationConfig
from pipeline.settings.user.loaded_dataset import LoadedDataset
from transforms import schema

COLD, WARM = "cold", "warm"


@dataclasses.dataclass(frozen=True, eq=False)
class GroupScores:
    """Scores of one method on the query pairs of T tasks.

    Attributes:
        task_ids: bytes [T], as they came in.
        support_sizes: int [T].
        users: int [T, Q], rows of the user table.
        items: int [T, Q], rows of the item table.
        labels: float [T, Q].
        scores: float [T, Q].
        mask: bool [T, Q], False for padding.
    """

    task_ids: np.ndarray
    support_sizes: np.ndarray
    users: np.ndarray
    items: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    mask: np.ndarray

    def metrics(self, seed: int) -> dict[str, np.ndarray]:
        """Returns every metric of every task, as `task_metrics` does.

        Args:
            seed: Seed of the order of pairs with equal scores.
        """
        return task_metrics(
            self.labels,
            self.scores,
            self.mask,
            seed=seed,
            task_ids=self.users[:, 0],
        )


def few_shot_group(size: int) -> str:
    """Names the group of cold tasks that show `size` support pairs at most."""
    return f"{COLD}/support_{size}"


def evaluation_groups(
    dataset: LoadedDataset, options: EvaluationConfig
) -> dict[str, tf.data.Dataset]:
    """Returns the episodes of each group: cold, warm, and cold with fewer pairs.

    Args:
        dataset: The prepared data set.
        options: Support sizes and batch size.
    """
    groups = [
        (COLD, schema.META_TEST, options.support_size),
        (WARM, schema.META_TRAIN, options.support_size),
    ]
    groups += [
        (few_shot_group(size), schema.META_TEST, size)
        for size in options.few_shot_sizes
        if size < options.support_size
    ]
    return {
        name: fixed_episodes(
            dataset.directory,
            split,
            max_support_size=support_size,
            batch_size=options.batch_size,
        )
        for name, split, support_size in groups
    }


def score_groups(
    method: Recommender, groups: Mapping[str, tf.data.Dataset]
) -> Iterator[tuple[str, GroupScores]]:
    """Scores the query pairs of every group.

    Args:
        method: A fitted method.
        groups: Episodes by name of the group, `task_id` included.

    Yields:
        Name and scores of each group.
    """
    score = tf.function(_score, reduce_retracing=True)
    for name, episodes in groups.items():
        yield name, _join([_score_batch(score, method, e) for e in episodes])


def _score(method: Recommender, episode: dict[str, tf.Tensor]) -> tf.Tensor:
    support, query = split_episode(episode)
    return method.score(method.adapt(support), query)


def _score_batch(
    score: object, method: Recommender, episode: dict[str, tf.Tensor]
) -> GroupScores:
    scores = score(method, episode)  # type: ignore[operator]
    return GroupScores(
        task_ids=episode["task_id"].numpy(),
        support_sizes=episode["support_mask"].numpy().sum(axis=1),
        users=episode["query_user"].numpy(),
        items=episode["query_item"].numpy(),
        labels=episode["query_label"].numpy(),
        scores=scores.numpy(),
        mask=episode["query_mask"].numpy(),
    )


def _join(batches: Sequence[GroupScores]) -> GroupScores:
    """Joins batches, each padded to the width of the widest."""
    width = max(batch.mask.shape[1] for batch in batches)

    def joined(name: str) -> np.ndarray:
        parts = [getattr(batch, name) for batch in batches]
        if parts[0].ndim == 2:
            parts = [np.pad(p, [(0, 0), (0, width - p.shape[1])]) for p in parts]
        return np.concatenate(parts)

    return GroupScores(
        **{f.name: joined(f.name) for f in dataclasses.fields(GroupScores)}
    )
