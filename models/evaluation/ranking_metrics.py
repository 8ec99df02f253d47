"""Metrics of ranked clicks, and their means over scenarios and over users.

NumPy only, so that anyone can recompute every figure from the stored ranks.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.evaluation.intervals import Floats, Interval, resampled_interval
from models.evaluation.metric import NotFiniteError

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

        NaN for a scenario without a user who has a value.
        """
        return {name: self._mean(values) for name, values in self.values.items()}

    def _mean(self, values: Floats) -> Floats:
        sums, counts = self.totals(values)
        means: Floats = sums / np.where(counts > 0, counts, np.nan)
        return means

    def totals(self, values: Floats) -> tuple[Floats, Floats]:
        """Returns the sum and the number of values of each scenario, NaN left out."""
        known = ~np.isnan(values)
        task = self.task[known]
        sums = np.bincount(task, values[known], minlength=self.num_tasks)
        counts = np.bincount(task, minlength=self.num_tasks)
        return sums.astype(np.float64), counts.astype(np.float64)


def user_metrics(
    task: ArrayLike,
    user: ArrayLike,
    rank: ArrayLike,
    *,
    num_tasks: int,
    num_tied: ArrayLike = 1,
    num_candidates: ArrayLike = np.inf,
) -> UserMetrics:
    """Returns every metric of every user in every scenario.

    recall@k is the share of the user's held-out clicks among the first k candidates;
    ndcg@k and ndcg have a gain of 1 for each of them, a discount of 1 / log2(rank + 1),
    and as their ideal all of them in front; mrr is 1 / rank of the first of them.
    Candidates with equal scores share their ranks: metrics are expectations over all
    their orders.

    Args:
        task: int [N], the scenario of each held-out click, from 0.
        user: int [N], its user.
        rank: int [N], its rank among the candidates of the user, from 1, the best of
            those that it shares.
        num_tasks: T, scenarios.
        num_tied: int [N], candidates with its score, itself included.
        num_candidates: [N], candidates of the user.

    Returns:
        "recall@5" and so on, "ndcg@10" and so on, "ndcg" for the whole pool, "mrr";
        NaN where every method has the same: recall@k of at most k candidates, and all
        metrics where each candidate is a held-out click.

    Raises:
        ValueError: If a rank or a number of ties is below 1.
    """
    tasks, users, ranks = (np.asarray(x, np.int64) for x in (task, user, rank))
    tied = np.broadcast_to(np.asarray(num_tied, np.int64), ranks.shape)
    for name, numbers in (("ranks", ranks), ("numbers of ties", tied)):
        if numbers.size and numbers.min() < 1:
            raise ValueError(f"{name} must be at least 1, got {numbers.min()}.")
    width = int(users.max(initial=0)) + 1
    keys, place = np.unique(tasks * width + users, return_inverse=True)
    num_clicks = np.bincount(place, minlength=len(keys))
    pools = np.zeros(len(keys))
    np.maximum.at(pools, place, np.broadcast_to(num_candidates, ranks.shape))
    values: dict[str, Floats] = {}
    for k in RECALL_CUTOFFS:
        found = np.bincount(place, share_within(ranks, tied, k), minlength=len(keys))
        values[f"recall@{k}"] = np.where(pools > k, found / num_clicks, np.nan)
    values |= _ndcg(ranks, tied, place, num_clicks)
    values["mrr"] = _first_found(ranks, tied, place, len(keys))
    tells_apart = num_clicks < pools
    defined = {name: np.where(tells_apart, v, np.nan) for name, v in values.items()}
    return UserMetrics(keys // width, num_tasks, defined)


def _ndcg(
    ranks: NDArray[np.int64],
    tied: NDArray[np.int64],
    place: NDArray[np.intp],
    num_clicks: NDArray[np.int64],
) -> dict[str, Floats]:
    """Returns NDCG of the first k and of all by name, [G] each."""
    most = int((ranks + tied).max(initial=1)) + int(num_clicks.max(initial=0))
    reached = np.append(0.0, np.cumsum(1.0 / np.log2(np.arange(most) + 2.0)))

    def ndcg(k: int) -> Floats:
        last, before = np.minimum(ranks + tied - 1, k), np.minimum(ranks - 1, k)
        gains = (reached[last] - reached[before]) / tied
        gained = np.bincount(place, gains, minlength=len(num_clicks))
        best: Floats = reached[np.minimum(num_clicks, k)]
        return gained / best

    return {f"ndcg@{k}": ndcg(k) for k in NDCG_CUTOFFS} | {"ndcg": ndcg(most)}


def _first_found(
    ranks: NDArray[np.int64],
    tied: NDArray[np.int64],
    place: NDArray[np.intp],
    num_groups: int,
) -> Floats:
    """Returns the expectation of 1 / the smallest rank of each group, [G].

    Of n candidates in random order on the ranks from r on, m of them clicks, the first
    click is j-th or later with probability C(n - j + 1, m) / C(n, m).
    """
    first = np.full(num_groups, np.iinfo(np.int64).max)
    np.minimum.at(first, place, ranks)
    is_first = ranks == first[place]
    clicks = np.bincount(place[is_first], minlength=num_groups)
    sharing = np.ones(num_groups, np.int64)
    sharing[place[is_first]] = tied[is_first]
    found = 1.0 / first
    for group in np.flatnonzero(sharing > clicks):
        n, m = int(sharing[group]), int(clicks[group])
        others = np.arange(n - m)  # So many others come before the first click.
        is_later = np.append(1.0, np.cumprod((n - m - others) / (n - others)))
        chance = is_later - np.append(is_later[1:], 0.0)
        found[group] = chance @ (1.0 / (first[group] + np.arange(n - m + 1)))
    return found


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
    sums, counts = metrics.totals(metrics.values[name])
    columns = np.stack([sums, counts], axis=1)[counts > 0]
    return resampled_interval(
        columns,
        lambda totals: totals[..., 0] / totals[..., 1],
        seed,
        num_resamples,
    )


def ranks_among(
    scores: NDArray[np.floating],
    is_candidate: NDArray[np.bool_],
    row: NDArray[np.integer],
    column: NDArray[np.integer],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranks some items among the candidates of their users.

    Args:
        scores: float [U, P].
        is_candidate: bool [U, P].
        row: int [N], users whose items are to be ranked.
        column: int [N], those items, candidates of their users.

    Returns:
        int64 [N], the best rank that the score of an item gives it, from 1, and int64
        [N], how many candidates have that score, the item included.

    Raises:
        NotFiniteError: If a score of a candidate is not a number.
    """
    if np.isnan(scores[is_candidate]).any():
        raise NotFiniteError("scores of candidates must be numbers, got NaN.")
    step = max(1, _MAX_COMPARED // scores.shape[1])
    ranks, num_tied = np.empty(row.size, np.int64), np.empty(row.size, np.int64)
    for start in range(0, row.size, step):
        part = slice(start, start + step)
        r, c = row[part], column[part]
        own, others = scores[r, c, np.newaxis], scores[r]  # [n, P]
        ranks[part] = 1 + ((others > own) & is_candidate[r]).sum(axis=1)
        num_tied[part] = ((others == own) & is_candidate[r]).sum(axis=1)
    return ranks, num_tied


def share_within(
    rank: NDArray[np.int64], num_tied: NDArray[np.int64], k: int
) -> Floats:
    """Returns how likely items are to be among the first k, float64 [N].

    Args:
        rank: int [N], the best rank of each.
        num_tied: int [N], candidates that share its score.
        k: Ranks that count.
    """
    return np.clip((k + 1 - rank) / num_tied, 0.0, 1.0)


def lasting_chance(
    task_key: int, users: NDArray[np.integer], salt: int
) -> NDArray[np.uint64]:
    """Returns a pseudo-random number of each user of a scenario, uint64 [U].

    Args:
        task_key: A lasting number of the scenario.
        users: int [U], rows.
        salt: Another number of the scenario, such as an item of it.
    """
    seeded = _scramble(np.asarray([0, task_key]).astype(np.uint64))
    of_task = _scramble(seeded[:1] ^ seeded[1:])
    of_user = _scramble(of_task ^ users.astype(np.uint64))
    return _scramble(of_user ^ np.uint64(salt))


def _scramble(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mixes the bits of each number (the splitmix64 finaliser), into a fresh array."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
