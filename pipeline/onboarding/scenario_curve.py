"""Few-shot curve of a new scenario, on its own clicks."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.metric import Metric
from models.evaluation.ranking_metrics import ranks_among, share_within
from pipeline.onboarding.few_shot import MODEL, FewShotCurve, sizes_up_to
from pipeline.onboarding.tasks import Floats, Places, RankPool, ScenarioSupport

NUM_SPLITS = 5
MAX_USERS = 50  # Ranked for in each split.
MAX_POOL = 500  # Items ranked.
MIN_CLICKS = 2
CLICKS = "support clicks"
POPULARITY = "popularity"

_CUTOFF = 20
_SHARE = 5  # Of a pool of fewer than 100 items, the first fifth counts.


@dataclasses.dataclass(frozen=True, eq=False)
class NewScenario:
    """The interactions of a new scenario.

    Attributes:
        users: object [N], user ids of its clicks.
        items: object [N], item ids.
        unclicked: Items by user that were displayed and not clicked.
        is_seen: bool [N], clicks that the model has seen, in whatever scenario.
    """

    users: NDArray[np.object_]
    items: NDArray[np.object_]
    unclicked: Mapping[str, Sequence[str]]
    is_seen: NDArray[np.bool_]

    @property
    def num_unseen(self) -> int:
        """Clicks that can be in a query set."""
        return int(np.sum(~self.is_seen))

    def negatives(self, chance: np.random.Generator) -> NDArray[np.object_]:
        """Draws an item for each click that its user has not clicked.

        It is one that the file says was displayed to them, or any other of the
        scenario; "" if they have clicked all there are.
        """
        clicked: dict[str, set[str]] = collections.defaultdict(set)
        for user, item in zip(self.users, self.items, strict=True):
            clicked[user].add(item)
        everything = sorted(set(self.items))
        chosen = []
        for user in self.users:
            others = self.unclicked.get(user) or [
                item for item in everything if item not in clicked[user]
            ]
            chosen.append(others[int(chance.integers(len(others)))] if others else "")
        return np.array(chosen, object)

    def support(
        self, places: Places, negatives: NDArray[np.object_]
    ) -> ScenarioSupport:
        """Returns clicks with the negative of each behind it.

        Args:
            places: Which clicks.
            negatives: object [N], as `negatives` drew them.
        """
        items = np.stack([self.items[places], negatives[places]], axis=1).ravel()
        users = np.repeat(self.users[places], 2)
        labels = np.tile([1.0, 0.0], places.size)
        is_there = items != ""
        return ScenarioSupport(users[is_there], items[is_there], labels[is_there])


def scenario_curve(
    rank: RankPool, scenario: NewScenario, popularity: Mapping[str, int] | None
) -> FewShotCurve:
    """Ranks the items of a new scenario for its users after 0, 1, 2, ... clicks.

    Each split shuffles the clicks. Half of those that the model has not seen are the
    query set; of the others the first ones are the support set, each with a negative.
    Candidates of a user are the items of the file without the others that they clicked,
    and without their negatives, so that neither is of help by itself; they are the same
    for every size.

    Args:
        rank: The model.
        scenario: At least `MIN_CLICKS` clicks that the model has not seen.
        popularity: Known clicks by item id; None if they are not known.

    Returns:
        The curve of recall@20; with fewer than 100 items, of the first fifth of them.
        Intervals are over users, each the mean of the splits in which they have a
        query. The model has to beat popularity, or the clicks of the support set
        themselves if that is not known.
    """
    chance = np.random.default_rng(0)
    pool = _pool(scenario, chance)
    known = None
    if popularity is not None:
        known = np.array([popularity.get(item, 0) for item in pool], float)
    cutoff = min(_CUTOFF, max(1, pool.size // _SHARE))
    num_queries = (scenario.num_unseen + 1) // 2
    sizes = sizes_up_to(scenario.items.size - num_queries)
    num_users = np.unique(scenario.users.astype(str)).size
    shape = NUM_SPLITS, len(sizes), num_users
    recalls = collections.defaultdict[str, Floats](lambda: np.full(shape, np.nan))
    for number in range(NUM_SPLITS):
        split = _Split(scenario, pool, num_queries, chance)
        for place, size in enumerate(sizes):
            for name, scores in split.scores(rank, known, size).items():
                recall = split.recall(scores, cutoff)
                recalls[name][number, place, split.users] = recall
    return FewShotCurve(
        metric=Metric(f"recall@{cutoff}"),
        unit="users",
        num_splits=NUM_SPLITS,
        sizes=sizes,
        values={name: _mean_over_splits(values) for name, values in recalls.items()},
        reference=CLICKS if popularity is None else POPULARITY,
        size_noun="clicks",
    )


class _Split:
    """A draw of query clicks, support clicks, and the candidates of each user.

    Attributes:
        users: Who has a query, as places among the users of the scenario, ascending.

    Args:
        scenario: The scenario.
        pool: object [P], the items that are ranked.
        num_queries: Clicks of the query set, before any is left out.
        chance: Of the draw.
    """

    def __init__(
        self,
        scenario: NewScenario,
        pool: NDArray[np.object_],
        num_queries: int,
        chance: np.random.Generator,
    ) -> None:
        self._scenario = scenario
        self._pool = pool
        everyone, user_of = np.unique(scenario.users.astype(str), return_inverse=True)
        order = chance.permutation(scenario.items.size)
        query = order[~scenario.is_seen[order]][:num_queries]
        self._rest = order[~np.isin(order, query)]
        column_of = _columns(scenario.items, pool)
        query = query[column_of[query] >= 0]
        self.users = np.unique(user_of[query])
        if self.users.size > MAX_USERS:
            self.users = np.sort(chance.choice(self.users, MAX_USERS, replace=False))
            query = query[np.isin(user_of[query], self.users)]
        self._user_ids = everyone[self.users].astype(object)
        self._negatives = scenario.negatives(chance)
        self._row = np.searchsorted(self.users, user_of[query])
        self._column = column_of[query]
        self._is_candidate = np.ones([self.users.size, pool.size], bool)
        for columns in (column_of, _columns(self._negatives, pool)):
            is_out = np.isin(user_of[self._rest], self.users)
            places = self._rest[is_out & (columns[self._rest] >= 0)]
            row = np.searchsorted(self.users, user_of[places])
            self._is_candidate[row, columns[places]] = False

    def scores(
        self, rank: RankPool, known: Floats | None, size: int
    ) -> dict[str, NDArray[Any]]:
        """Returns the scores [U, P] of every method after so many clicks.

        Args:
            rank: The model.
            known: Known clicks [P] of the items; None if they are not known.
            size: Clicks of the support set.
        """
        places = self._rest[:size]
        support = self._scenario.support(places, self._negatives)
        counts = collections.Counter(self._scenario.items[places])
        shown = np.array([counts[item] for item in self._pool], float)
        shape = self._is_candidate.shape
        scores = {
            MODEL: rank(support, self._user_ids, self._pool),
            CLICKS: np.broadcast_to(shown, shape),
        }
        if known is not None:
            scores[POPULARITY] = np.broadcast_to(known, shape)
        return scores

    def recall(self, scores: NDArray[np.floating], cutoff: int) -> Floats:
        """Returns the share of the query of each user on the first ranks, [U]."""
        row = self._row
        ranked = ranks_among(scores, self._is_candidate, row, self._column)
        found = share_within(*ranked, cutoff)
        hits = np.bincount(row, found, minlength=self.users.size)
        return hits / np.bincount(row, minlength=self.users.size)


def _pool(scenario: NewScenario, chance: np.random.Generator) -> NDArray[np.object_]:
    """Returns the items that are ranked, object [P], ascending."""
    unclicked = [item for items in scenario.unclicked.values() for item in items]
    items = np.array(sorted({*scenario.items, *unclicked}), object)
    if items.size <= MAX_POOL:
        return items
    places = chance.choice(items.size, MAX_POOL, replace=False)
    return items[np.sort(places)]


def _columns(items: NDArray[np.object_], pool: NDArray[np.object_]) -> Places:
    """Returns the place of each item in the pool, -1 if it is not there."""
    place_of = {item: place for place, item in enumerate(pool)}
    return np.array([place_of.get(item, -1) for item in items])


def _mean_over_splits(values: Floats) -> Floats:
    """Returns means over the splits in which a user has a query, NaN if in none."""
    num_queries = np.sum(~np.isnan(values), axis=0)
    total = np.nansum(values, axis=0)
    return np.divide(
        total, num_queries, out=np.full(total.shape, np.nan), where=num_queries > 0
    )
