"""Known users as they answer questions, and the errors of a model after that."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.onboarding.tasks import Floats, Places, RankUsers, UserEpisode, UserTask

_MAX_QUERY = 40  # Pairs of a user that the error is measured on.


@dataclasses.dataclass(frozen=True, eq=False)
class Answerer:
    """A user who can answer questions.

    Attributes:
        task: All pairs.
        place_of: Where the pair of each candidate is that they know.
        query: Places of pairs whose items are no candidates.
    """

    task: UserTask
    place_of: Mapping[str, int]
    query: Places

    @classmethod
    def of(
        cls,
        task: UserTask,
        candidates: Sequence[str],
        chance: np.random.Generator,
    ) -> Answerer:
        """Tells the pairs of a user apart, and chooses some if there are too many."""
        place_of = {item: place for place, item in enumerate(task.items)}
        known = {item: place_of[item] for item in candidates if item in place_of}
        rest = np.setdiff1d(np.arange(task.labels.size), list(known.values()))
        return cls(task, known, chance.permutation(rest)[:_MAX_QUERY].astype(np.intp))

    def episode(self, support: Sequence[int]) -> UserEpisode:
        """Returns the episode after some answers."""
        return UserEpisode(self.task, np.array(support, np.intp), self.query)


def errors_after(
    rank: RankUsers, users: Sequence[Answerer], items: Sequence[str]
) -> Floats:
    """Returns the error of each user after 0, 1, ... of the questions, [L + 1, U].

    Who cannot answer stays as they were.

    Args:
        rank: The model.
        users: The users.
        items: What is asked about, in this order.
    """
    places, episodes = [], []
    for n, user in enumerate(users):
        support: list[int] = []
        places.append((0, n))
        episodes.append(user.episode(support))
        for step, item in enumerate(items, start=1):
            if item in user.place_of:
                support.append(user.place_of[item])
                places.append((step, n))
                episodes.append(user.episode(support))
    errors = np.full([len(items) + 1, len(users)], np.nan)
    for place, episode, scores in zip(places, episodes, rank(episodes), strict=True):
        errors[place] = episode.error(scores)
    for before, after in itertools.pairwise(errors):
        np.copyto(after, before, where=np.isnan(after))
    return errors


def errors_after_one(
    rank: RankUsers,
    users: Sequence[Answerer],
    supports: Sequence[Sequence[int]],
    items: Sequence[str],
) -> dict[str, dict[int, float]]:
    """Returns the errors after one more answer: by item, by place of who can answer.

    Args:
        rank: The model.
        users: The users.
        supports: The answers before of each, as places of pairs.
        items: What can be asked about.
    """
    trials = [
        (item, n)
        for item in items
        for n, user in enumerate(users)
        if item in user.place_of
    ]
    episodes = [
        users[n].episode([*supports[n], users[n].place_of[item]]) for item, n in trials
    ]
    after: dict[str, dict[int, float]] = {item: {} for item in items}
    for (item, n), episode, scores in zip(
        trials, episodes, rank(episodes), strict=True
    ):
        after[item][n] = episode.error(scores)
    return after
