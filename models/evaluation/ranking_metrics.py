"""Metrics of ranked clicks, and their means over scenarios and over users.

NumPy only, so that anyone can recompute every figure from the stored ranks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.evaluation.errors import NotFiniteError
from models.evaluation.intervals import Floats, Interval, resampled_interval
from models.evaluation.ties import scramble

RECALL_CUTOFFS = (5, 10, 20, 50)
NDCG_CUTOFFS = (10, 20)

# What vectors, epochs and hyperparameters are chosen by, on meta-validation.
CHOSEN_BY = "recall@20"

_MAX_COMPARED = 1 << 20  # Pairs of an item to be ranked and another one, at once.


@dataclasses.dataclass(frozen=True, eq=False)
class UserMetrics:
    """Metrics of G users, each in one scenario.

    Attributes:
        task: int [G], the scenario of each, from 0.
        num_tasks: T, scenarios, with or without such a user.
        values: float64 [G] by metric.
    """

    task: NDArray[np.int64]
    num_tasks: int
    values: Mapping[str, Floats]

    def by_scenario(self) -> dict[str, Floats]:
        """Returns the mean over the users of each scenario, float64 [T], by metric.

        NaN for a scenario without a user.
        """
        counts = np.bincount(self.task, minlength=self.num_tasks)
        divisors = np.where(counts > 0, counts, np.nan)
        means: dict[str, Floats] = {
            name: np.bincount(self.task, values, minlength=self.num_tasks) / divisors
            for name, values in self.values.items()
        }
        return means


def user_metrics(
    task: ArrayLike, user: ArrayLike, rank: ArrayLike, *, num_tasks: int
) -> UserMetrics:
    """Returns every metric of every user in every scenario.

    recall@k is the share of the user's held-out clicks among the first k candidates;
    ndcg@k and ndcg have a gain of 1 for each of them, a discount of 1 / log2(rank + 1),
    and as their ideal all of them in front; mrr is 1 / rank of the first of them.

    Args:
        task: int [N], the scenario of each held-out click, from 0.
        user: int [N], its user.
        rank: int [N], its rank among the candidates of the user, from 1.
        num_tasks: T, scenarios.

    Returns:
        "recall@5" and so on, "ndcg@10" and so on, "ndcg" for the whole pool, "mrr".

    Raises:
        ValueError: If a rank is below 1.
    """
    tasks, users, ranks = (np.asarray(x, np.int64) for x in (task, user, rank))
    if ranks.size and ranks.min() < 1:
        raise ValueError(f"ranks must be at least 1, got {ranks.min()}.")
    width = int(users.max(initial=0)) + 1
    keys, place = np.unique(tasks * width + users, return_inverse=True)
    num_groups = len(keys)

    def total(values: NDArray[Any]) -> Floats:
        return np.bincount(place, values, minlength=num_groups).astype(np.float64)

    num_clicks = np.bincount(place, minlength=num_groups)
    gains = 1.0 / np.log2(ranks + 1.0)
    most = int(num_clicks.max(initial=0))
    ideal = np.append(0.0, np.cumsum(1.0 / np.log2(np.arange(most) + 2.0)))
    values = {f"recall@{k}": total(ranks <= k) / num_clicks for k in RECALL_CUTOFFS}
    for k in NDCG_CUTOFFS:
        best = ideal[np.minimum(num_clicks, k)]
        values[f"ndcg@{k}"] = total(np.where(ranks <= k, gains, 0.0)) / best
    values["ndcg"] = total(gains) / ideal[num_clicks]
    first = np.full(num_groups, np.iinfo(np.int64).max)
    np.minimum.at(first, place, ranks)
    values["mrr"] = 1.0 / first
    return UserMetrics(keys // width, num_tasks, values)


def pair_mean(
    metrics: UserMetrics, name: str, seed: int, num_resamples: int = 1000
) -> Interval:
    """Returns the mean over all users of all scenarios, as the paper takes it.

    The interval is of resampled scenarios, whose users come along: users of one
    scenario share its support set, so that they are no independent witnesses.

    Args:
        metrics: Of all users.
        name: The metric.
        seed: Seed of the resampling.
        num_resamples: Number of resampled sets of scenarios.
    """
    sums = np.bincount(metrics.task, metrics.values[name], minlength=metrics.num_tasks)
    counts = np.bincount(metrics.task, minlength=metrics.num_tasks)
    columns = np.stack([sums, counts], axis=1)[counts > 0].astype(float)
    return resampled_interval(
        columns,
        lambda totals: totals[..., 0] / totals[..., 1],
        seed,
        num_resamples,
    )


def ranks_among(
    scores: NDArray[np.floating],
    is_candidate: NDArray[np.bool_],
    keys: NDArray[np.uint64],
    row: NDArray[np.integer],
    column: NDArray[np.integer],
) -> NDArray[np.int64]:
    """Ranks some items among the candidates of their users.

    Args:
        scores: float [U, P].
        is_candidate: bool [U, P].
        keys: uint64 [U, P], the order of equal scores, the smaller first.
        row: int [N], users whose items are to be ranked.
        column: int [N], those items, candidates of their users.

    Returns:
        int64 [N], from 1.

    Raises:
        ValueError: If a score of a candidate is not a number.
    """
    if np.isnan(scores[is_candidate]).any():
        raise NotFiniteError("scores of candidates must be numbers, got NaN.")
    step = max(1, _MAX_COMPARED // scores.shape[1])
    ranks = np.empty(row.size, np.int64)
    for start in range(0, row.size, step):
        part = slice(start, start + step)
        r, c = row[part], column[part]
        own, own_key = scores[r, c, np.newaxis], keys[r, c, np.newaxis]
        is_before = scores[r] > own  # [n, P]
        is_before |= (scores[r] == own) & (keys[r] < own_key)
        ranks[part] = 1 + (is_before & is_candidate[r]).sum(axis=1)
    return ranks


def tie_keys(
    seed: int,
    task_key: int,
    users: NDArray[np.integer],
    items: NDArray[np.integer],
) -> NDArray[np.uint64]:
    """Returns a pseudo-random number of each seed, scenario, user and item.

    Args:
        seed: The seed.
        task_key: A lasting number of the scenario.
        users: int [U], rows.
        items: int [P], rows.

    Returns:
        uint64 [U, P]; they depend on nothing else, least of all on clicks.
    """
    seeded = scramble(np.asarray([seed, task_key]).astype(np.uint64))
    of_task = scramble(seeded[:1] ^ seeded[1:])
    of_user = scramble(of_task ^ users.astype(np.uint64))[:, np.newaxis]
    return scramble(of_user ^ items.astype(np.uint64))
