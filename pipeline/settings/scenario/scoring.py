"""Pools of scenarios, or the whole catalogue, ranked for their users by a method."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.baselines.clicks.pool_scores import click_matrix
from models.episodes.click_episodes import support_episode
from models.episodes.click_records import ScenarioTask
from models.evaluation.lasting_chance import lasting_chance
from models.evaluation.ranking_metrics import ranks_among
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.recommender import Episode, Recommender
from pipeline.settings.compiled import compiled_once
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from transforms.stable_hash import stable_digest

_MAX_PAIRS = 1 << 15  # Scored at once.


class ClickScorer:
    """Ranks the pools of scenarios with a method, whose calls it compiles once.

    The candidates of a user are the pool without what they are known to have clicked.
    Where no pool is given, the pool is the whole catalogue, and factors are those that
    know no pool. Memory is bounded by the pairs scored at once, and by one task.

    Args:
        method: A fitted method; its weights may change.
        config: The experiment.
        data: The data set.
    """

    def __init__(
        self, method: Recommender, config: ScenarioConfig, data: ScenarioData
    ) -> None:
        self._adapt = compiled_once(lambda support: method.adapt(support))
        self._score = tf.function(  # The widths of a state are known.
            lambda state, query: method.score(state, query),
            reduce_retracing=True,
            autograph=False,
        )
        self._options = config.evaluation
        self._data = data

    def __call__(self, shown: Shown) -> ScoredPairs:
        """Ranks the pool of each scenario for the users of its query.

        Raises:
            ValueError: If no scenario has a held-out click, or a score is not a number.
        """
        tasks = self._data.tasks(shown.split)[: shown.max_tasks]
        supports = tasks
        if shown.support == "other":
            supports = other_tasks(tasks, len(self._data.info.domains) > 1)
        parts = []
        for number, (task, support) in enumerate(zip(tasks, supports, strict=True)):
            num_support = min(shown.size, support.support_item.size)
            shown_clicks = self._support(support, shown.size)
            asked, query = task, {}
            if shown.is_open:
                fit = tf.constant([[self._data.factors.open_fit]], tf.int32)
                shown_clicks["support_fit"] = fit
                asked = self._without_pool(task)
                query = {"query_fit": fit, "query_open": tf.ones([1, 1])}
            state = self._adapt(shown_clicks)
            for clicks in self._rank_task(asked, state, shown.max_users, query):
                place = np.full(len(clicks["rank"]), number)
                size = np.full_like(place, num_support)
                parts.append({"task": place, "support_size": size, **clicks})
        if not parts:
            raise ValueError(
                f"tasks must have a held-out click, got none in {len(tasks)} tasks."
            )
        return ScoredPairs(
            [task.scenario_id for task in tasks],
            **{n: np.concatenate([part[n] for part in parts]) for n in parts[0]},
            label_gain=None,
        )

    def _support(self, task: ScenarioTask, size: int) -> dict[str, tf.Tensor]:
        return support_episode(
            task, max_clicks=size, num_negatives=self._options.support_negatives
        )

    @functools.cached_property
    def _clicks(self) -> scipy.sparse.csr_matrix:
        return click_matrix(self._data.known)

    def _without_pool(self, task: ScenarioTask) -> ScenarioTask:
        """Returns the task with every item for its pool, but for what is known."""
        users = np.unique(task.query_user)
        row, item = self._clicks[users].nonzero()
        return dataclasses.replace(
            task,
            pool=np.arange(1, self._clicks.shape[1], dtype=np.int32),
            known_user=np.concatenate([task.known_user, users[row]]),
            known_item=np.concatenate([task.known_item, item.astype(np.int32)]),
        )

    def _rank_task(
        self, task: ScenarioTask, state: object, max_users: int | None, query: Episode
    ) -> list[dict[str, NDArray]]:
        """Ranks for some users at a time; the query is what is said of all pairs."""
        users = np.unique(task.query_user)
        if max_users is not None and users.size > max_users:
            task_key = int.from_bytes(stable_digest(0, task.scenario_id)) >> 1
            keys = lasting_chance(task_key, users, int(task.pool[0]))
            users = np.sort(users[np.argsort(keys)[:max_users]])
        step = max(1, _MAX_PAIRS // task.pool.size)
        return [
            self._rank_users(task, state, users[start : start + step], query)
            for start in range(0, users.size, step)
        ]

    def _rank_users(
        self, task: ScenarioTask, state: object, users: NDArray, query: Episode
    ) -> dict[str, NDArray]:
        shape = users.size, task.pool.size
        query_user = np.repeat(users, task.pool.size)[np.newaxis]
        query_item = np.tile(task.pool, users.size)[np.newaxis]
        query = {
            "query_user": tf.constant(query_user, tf.int32),
            "query_item": tf.constant(query_item, tf.int32),
            "query_mask": tf.ones(query_user.shape, tf.bool),
            **query,
        }
        scores = self._score(state, query).numpy().reshape(shape)
        is_candidate = np.ones(shape, bool)
        row, column = _places(task, users, task.known_user, task.known_item)
        is_candidate[row, column] = False
        is_scored = np.isin(task.query_user, users)
        user, item = task.query_user[is_scored], task.query_item[is_scored]
        row, column = _places(task, users, user, item)
        rank, num_tied = ranks_among(scores, is_candidate, row, column)
        return {
            "user": user,
            "item": item,
            "score": scores[row, column],
            "rank": rank,
            "num_tied": num_tied,
            "num_candidates": is_candidate.sum(axis=1)[row],
        }


def other_tasks(tasks: Sequence[ScenarioTask], is_hybrid: bool) -> list[ScenarioTask]:
    """Returns for each task the next one of its domain, for the last one the first."""
    by_domain: dict[str, list[ScenarioTask]] = {}
    for task in tasks:
        domain = task.scenario_id.partition(":")[0] if is_hybrid else ""
        by_domain.setdefault(domain, []).append(task)
    following = {
        task.scenario_id: other
        for of_domain in by_domain.values()
        for task, other in zip(of_domain, [*of_domain[1:], of_domain[0]], strict=True)
    }
    return [following[task.scenario_id] for task in tasks]


def _places(
    task: ScenarioTask, users: NDArray, user: NDArray, item: NDArray
) -> tuple[NDArray, NDArray]:
    """Returns row and column of those pairs whose user is among the users."""
    chosen = np.isin(user, users)
    return (
        np.searchsorted(users, user[chosen]),
        np.searchsorted(task.pool, item[chosen]),
    )
