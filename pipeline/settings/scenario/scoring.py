"""Pools of scenarios ranked for their users by a method."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.episodes.click_episodes import support_episode
from models.episodes.click_records import ScenarioTask
from models.evaluation.ranking_metrics import (
    UserMetrics,
    ranks_among,
    tie_keys,
    user_metrics,
)
from models.legacy_keras import tf
from models.recommender import Recommender
from transforms.stable_hash import stable_digest

_MAX_PAIRS = 1 << 15  # Scored at once.


@dataclasses.dataclass(frozen=True, eq=False)
class RankedClicks:
    """The rank of every held-out click among the candidates of its user.

    Attributes:
        num_tasks: T, scenarios that were ranked.
        task: int [N], the scenario of each click, from 0.
        support_size: int [N], clicks that the method was shown of it.
        user: int [N], rows of the user table.
        item: int [N], rows of the item table.
        score: float [N].
        rank: int [N], from 1.
        num_candidates: int [N].
    """

    num_tasks: int
    task: NDArray[np.int64]
    support_size: NDArray[np.int64]
    user: NDArray[np.int32]
    item: NDArray[np.int32]
    score: NDArray[np.float32]
    rank: NDArray[np.int64]
    num_candidates: NDArray[np.int64]

    def metrics(self) -> UserMetrics:
        """Returns every metric of every user in every scenario."""
        return user_metrics(self.task, self.user, self.rank, num_tasks=self.num_tasks)


class Ranker:
    """Ranks pools with a method, whose two calls it compiles once.

    Args:
        method: A fitted method; its weights may change between two rankings.
        seed: Seed of the order of equal scores.
    """

    def __init__(self, method: Recommender, seed: int) -> None:
        self._adapt = tf.function(
            lambda support: method.adapt(support), reduce_retracing=True
        )
        self._score = tf.function(
            lambda state, query: method.score(state, query), reduce_retracing=True
        )
        self._seed = seed

    def rank(
        self,
        tasks: Sequence[ScenarioTask],
        *,
        support_size: int,
        support_negatives: int,
        supports: Sequence[ScenarioTask] | None = None,
        max_users: int | None = None,
    ) -> RankedClicks:
        """Ranks the pool of each task for each user of its query.

        The candidates of a user are the pool without what they are known to have
        clicked. Memory is bounded by the pairs scored at once, and by one task.

        Args:
            tasks: The tasks.
            support_size: Clicks shown of each, at most.
            support_negatives: Negatives shown with each click.
            supports: Tasks whose support sets are shown instead of their own.
            max_users: Users ranked for in each task, at most; the choice is the same
                every time.

        Raises:
            ValueError: If no task has a held-out click, or a score is not a number.
        """
        parts = []
        for number, task in enumerate(tasks):
            shown = task if supports is None else supports[number]
            support = support_episode(
                shown, max_clicks=support_size, num_negatives=support_negatives
            )
            num_shown = min(support_size, shown.support_item.size)
            state = self._adapt(support)
            for clicks in self._rank_task(task, state, max_users):
                place = np.full(len(clicks["rank"]), number)
                parts.append(
                    {
                        **clicks,
                        "task": place,
                        "support_size": np.full_like(place, num_shown),
                    }
                )
        if not parts:
            raise ValueError(
                f"tasks must have a held-out click, got none in {len(tasks)} tasks."
            )
        names = [f.name for f in dataclasses.fields(RankedClicks)][1:]
        return RankedClicks(
            len(tasks),
            **{n: np.concatenate([part[n] for part in parts]) for n in names},
        )

    def _rank_task(
        self, task: ScenarioTask, state: object, max_users: int | None
    ) -> list[dict[str, NDArray]]:
        """Ranks for some users at a time."""
        task_key = int.from_bytes(stable_digest(0, task.scenario_id)) >> 1
        users = np.unique(task.query_user)
        if max_users is not None and users.size > max_users:
            keys = tie_keys(0, task_key, users, task.pool[:1])[:, 0]
            users = np.sort(users[np.argsort(keys)[:max_users]])
        step = max(1, _MAX_PAIRS // task.pool.size)
        return [
            self._rank_users(task, task_key, state, users[start : start + step])
            for start in range(0, users.size, step)
        ]

    def _rank_users(
        self, task: ScenarioTask, task_key: int, state: object, users: NDArray
    ) -> dict[str, NDArray]:
        shape = users.size, task.pool.size
        query_user = np.repeat(users, task.pool.size)[np.newaxis]
        query_item = np.tile(task.pool, users.size)[np.newaxis]
        query = {
            "query_user": tf.constant(query_user, tf.int32),
            "query_item": tf.constant(query_item, tf.int32),
            "query_mask": tf.ones(query_user.shape, tf.bool),
        }
        scores = self._score(state, query).numpy().reshape(shape)
        is_candidate = np.ones(shape, bool)
        row, column = _places(task, users, task.known_user, task.known_item)
        is_candidate[row, column] = False
        asked = np.isin(task.query_user, users)
        user, item = task.query_user[asked], task.query_item[asked]
        row, column = _places(task, users, user, item)
        keys = tie_keys(self._seed, task_key, users, task.pool)
        return {
            "user": user,
            "item": item,
            "score": scores[row, column],
            "rank": ranks_among(scores, is_candidate, keys, row, column),
            "num_candidates": is_candidate.sum(axis=1)[row],
        }


def rank_tasks(
    method: Recommender,
    tasks: Sequence[ScenarioTask],
    *,
    support_size: int,
    support_negatives: int,
    seed: int,
) -> RankedClicks:
    """Ranks the pools of tasks once; arguments as of `Ranker`."""
    return Ranker(method, seed).rank(
        tasks, support_size=support_size, support_negatives=support_negatives
    )


def _places(
    task: ScenarioTask, users: NDArray, user: NDArray, item: NDArray
) -> tuple[NDArray, NDArray]:
    """Returns row and column of those pairs whose user is among the users."""
    chosen = np.isin(user, users)
    return (
        np.searchsorted(users, user[chosen]),
        np.searchsorted(task.pool, item[chosen]),
    )
