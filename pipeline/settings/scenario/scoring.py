"""Pools of scenarios, or the whole catalogue, ranked for their users by a method."""

import dataclasses
import functools
import hashlib
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from models.baselines.clicks.pool_scores import click_matrix
from models.episodes.click_episodes import stack_supports, support_episode
from models.episodes.click_records import ScenarioTask, with_all_known
from models.evaluation.ranking_metrics import lasting_chance, ranks_among
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from models.legacy_keras import tf
from models.recommender import AcrossTasks, Episode, Recommender, State
from pipeline.settings.compiled import compiled_once
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.data import ScenarioData
from transforms.schema import UNKNOWN
from transforms.stable_hash import stable_digest

_MAX_PAIRS = 1 << 16  # Scored at once, unless the method says how many.


class ClickScorer:
    """Ranks the pools of scenarios with a method; calls of a model it compiles once.

    The candidates of a user are the pool without what they are known to have clicked,
    in another scenario too: a pair is held out in all of them or in none. Where no pool
    is given, the pool is the whole catalogue, and factors are those that know no pool.
    Users who are tasks share the catalogue: several are ranked at once by a method that
    can. Memory is bounded by the pairs scored at once, and by one task.

    Args:
        method: A fitted method; its weights may change.
        config: The experiment.
        data: The data set.
    """

    def __init__(
        self, method: Recommender, config: ScenarioConfig, data: ScenarioData
    ) -> None:
        adapt, ask = method.adapt, functools.partial(_ask, method)
        # The few operations of a simple method take less time than to compile them.
        is_simple = not isinstance(method, tf.Module)
        self._adapt = adapt if is_simple else compiled_once(adapt)
        self._ask = ask if is_simple else compiled_once(ask, num_sized=2)
        self._is_across = data.info.has_user_tasks and isinstance(method, AcrossTasks)
        self._max_pairs = getattr(method, "pairs_at_once", _MAX_PAIRS)
        self._options = config.evaluation
        self._data = data

    def __call__(self, shown: Shown) -> ScoredPairs:
        """Ranks the pool of each scenario for the users of its query.

        Raises:
            ValueError: If no scenario has a held-out click, or a score is not a number.
        """
        return self.score_groups([shown])[shown.group]

    def score_groups(self, groups: Sequence[Shown]) -> dict[str, ScoredPairs]:
        """Ranks for several groups, while the weights stay as they are.

        Of what is the same in two of them only the first is ranked: some of the users
        from the same state, or all groups of a method that looks at no support set.

        Raises:
            ValueError: If no scenario has a held-out click, or a score is not a number.
        """
        ranked: dict[tuple[Hashable, ...], dict[str, NDArray]] = {}
        return {shown.group: self._score(shown, ranked) for shown in groups}

    def _score(
        self, shown: Shown, ranked: dict[tuple[Hashable, ...], dict[str, NDArray]]
    ) -> ScoredPairs:
        """Ranks for a group, but for what has been ranked; adds what it ranks to it."""
        tasks = self._data.tasks(shown.split)[: shown.max_tasks]
        supports = tasks
        if shown.support == "other":
            supports = other_tasks(tasks, len(self._data.info.domains) > 1)
        parts = []
        for numbers in self._portions(tasks):
            asked = self._asked([tasks[n] for n in numbers], is_open=shown.is_open)
            most = None if self._is_across else shown.max_users
            users = _some_users(asked, most)
            shown_tasks = [supports[n] for n in numbers]
            state, query = self._state(shown_tasks, shown)
            key = *numbers, shown.split, shown.is_open, _digest(state)
            clicks = ranked.get(key)
            if clicks is None or not np.isin(users, clicks["user"]).all():
                clicks = ranked[key] = self._rank_task(asked, state, users, query)
            chosen = np.isin(clicks["user"], users)
            columns = {name: column[chosen] for name, column in clicks.items()}
            place = np.zeros_like(columns["user"])
            if self._is_across:
                place, columns["user"] = columns["user"], place
            of_task = [min(shown.size, one.support_item.size) for one in shown_tasks]
            task, size = np.asarray(numbers)[place], np.asarray(of_task)[place]
            parts.append({"task": task, "support_size": size, **columns})
        if not parts:
            raise ValueError(
                f"tasks must have a held-out click, got none in {len(tasks)} tasks."
            )
        return ScoredPairs(
            [task.scenario_id for task in tasks],
            **{n: np.concatenate([part[n] for part in parts]) for n in parts[0]},
            label_gain=None,
        )

    def _portions(self, tasks: Sequence[ScenarioTask]) -> list[list[int]]:
        """Returns places of tasks with a held-out click, by those ranked at once."""
        places = [n for n, task in enumerate(tasks) if task.query_item.size]
        size = 1
        if self._is_across and places:
            size = max(1, self._max_pairs // tasks[0].pool.size)
        return [places[n : n + size] for n in range(0, len(places), size)]

    def _state(
        self, supports: Sequence[ScenarioTask], shown: Shown
    ) -> tuple[State, Episode]:
        """Adapts to support sets; returns also what is said of all query pairs."""
        clicks = stack_supports([self._support(one, shown.size) for one in supports])
        if not shown.is_open:
            return self._adapt(clicks), {}
        fit = tf.constant([[self._data.factors.open_fit]], tf.int32)
        query = {"query_fit": fit, "query_open": tf.ones([1, 1])}
        return self._adapt({**clicks, "support_fit": fit}), query

    def _support(self, task: ScenarioTask, size: int) -> dict[str, tf.Tensor]:
        return support_episode(
            task, max_clicks=size, num_negatives=self._options.support_negatives
        )

    @functools.cached_property
    def _clicks(self) -> scipy.sparse.csr_matrix:
        return click_matrix(self._data.known)

    def _asked(self, tasks: Sequence[ScenarioTask], *, is_open: bool) -> ScenarioTask:
        """Returns the task with all that is known; if it is open, of every item.

        Users who are tasks are those of one, told apart by their place.
        """
        if self._is_across:
            return _joined(tasks)
        (task,) = tasks
        if is_open:
            every_item = np.arange(1, self._clicks.shape[1], dtype=np.int32)
            task = dataclasses.replace(task, pool=every_item)
        return with_all_known(task, self._clicks)

    def _rank_task(
        self, task: ScenarioTask, state: State, users: NDArray, query: Episode
    ) -> dict[str, NDArray]:
        """Ranks for a portion of users at a time; the query is what is said of all.

        Returns:
            Columns of `ScoredPairs`, in the order of the query of the task.
        """
        step = max(1, self._max_pairs // task.pool.size)
        portions = [
            self._rank_users(task, state, users[start : start + step], query)
            for start in range(0, users.size, step)
        ]
        columns = {n: np.concatenate([p[n] for p in portions]) for n in portions[0]}
        order = np.argsort(columns.pop("place"))
        return {name: column[order] for name, column in columns.items()}

    def _rank_users(
        self, task: ScenarioTask, state: State, users: NDArray, query: Episode
    ) -> dict[str, NDArray]:
        shape = users.size, task.pool.size
        asking = np.full_like(users, UNKNOWN) if self._is_across else users
        rows = tf.constant(asking, tf.int32), tf.constant(task.pool, tf.int32)
        scores = np.broadcast_to(self._ask(state, query, *rows).numpy(), shape)
        is_candidate = np.ones(shape, bool)
        row, column = _places(task, users, task.known_user, task.known_item)
        is_candidate[row, column] = False
        place = np.flatnonzero(np.isin(task.query_user, users))
        user, item = task.query_user[place], task.query_item[place]
        row, column = _places(task, users, user, item)
        rank, num_tied = ranks_among(scores, is_candidate, row, column)
        return {
            "place": place,
            "user": user,
            "item": item,
            "score": scores[row, column],
            "rank": rank,
            "num_tied": num_tied,
            "num_candidates": is_candidate.sum(axis=1)[row],
        }


def _ask(
    method: Recommender,
    state: State,
    query: Episode,
    users: tf.Tensor,
    items: tf.Tensor,
) -> tf.Tensor:
    """Scores every pair of users and items [U, P]; the query is what is said of all."""
    users, items = users[:, tf.newaxis], items[tf.newaxis]
    return method.score(state, {"query_user": users, "query_item": items, **query})


def _some_users(task: ScenarioTask, most: int | None) -> NDArray:
    """Returns the users that are asked about, ascending, the same ones every time."""
    users = np.unique(task.query_user)
    if most is None or users.size <= most:
        return users
    task_key = int.from_bytes(stable_digest(0, task.scenario_id)) >> 1
    keys = lasting_chance(task_key, users, int(task.pool[0]))
    return np.sort(users[np.argsort(keys)[:most]])


def _joined(tasks: Sequence[ScenarioTask]) -> ScenarioTask:
    """Returns what users with the same pool are asked for, as one task of them all."""
    columns: dict[str, Any] = {}
    for role in ("query", "known"):
        items = [getattr(task, f"{role}_item") for task in tasks]
        sizes = [of_task.size for of_task in items]
        columns[f"{role}_item"] = np.concatenate(items)
        columns[f"{role}_user"] = np.repeat(
            np.arange(len(tasks), dtype=np.int32), sizes
        )
    return dataclasses.replace(tasks[0], **columns)


def _digest(state: State) -> bytes:
    """Hashes the numbers of a state."""
    digest = hashlib.blake2b(digest_size=16)
    for tensor in tf.nest.flatten(state):
        digest.update(tensor.numpy())
    return digest.digest()


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
