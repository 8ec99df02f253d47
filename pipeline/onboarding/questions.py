"""Which items to ask a new user about first, chosen by how known users answered."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from models.evaluation.intervals import Interval, bootstrap_mean, paired_difference
from pipeline.onboarding.tasks import Floats, Places, RankUsers, UserEpisode, UserTask

NUM_QUESTIONS = 10

# A question may be about an item if so many known users, and such a share, can answer;
# of those the best known, as long as they make up no more than such a share of all
# pairs: the error is measured on the other pairs.
MIN_RATERS = 10
MIN_SHARE = 0.05
MAX_CANDIDATES = 100
MAX_PAIR_SHARE = 0.5

MIN_USERS = 40  # Fewer known users tell nothing.

MAX_CHOOSERS = 300  # For the sake of time.

_NUM_RANDOM = 20  # Random lists of questions that the chosen one is compared with.

_MAX_QUERY = 40  # Pairs of a user that the error is measured on.


@dataclasses.dataclass(frozen=True)
class Question:
    """An item to ask about.

    Attributes:
        item_id: The item.
        share: Share of the users they are chosen by that can answer, in [0, 1].
        reduction: By how much the error of those is expected to fall with the answer,
            after the answers before.
    """

    item_id: str
    share: float
    reduction: float


@dataclasses.dataclass(frozen=True, eq=False)
class QuestionPlan:
    """A list of questions, and what it is worth.

    Attributes:
        questions: In the order in which to ask.
        chosen: float64 [L + 1, U], error after 0, 1, ... questions of each user that
            they were not chosen by.
        random: float64 [L + 1, U], the same of random lists, their mean.
        num_choosers: Users that they were chosen by.
        num_candidates: Items that questions can be about.
    """

    questions: Sequence[Question]
    chosen: Floats
    random: Floats
    num_choosers: int
    num_candidates: int

    @property
    def num_judges(self) -> int:
        """U, users that the errors are of."""
        return int(self.chosen.shape[1])

    def expected(self, num_answers: int) -> Interval:
        """Returns the error to expect after some questions."""
        return bootstrap_mean(self.chosen[num_answers], seed=0)

    def expected_of_random(self, num_answers: int) -> Interval:
        """Returns the same for questions about random candidates."""
        return bootstrap_mean(self.random[num_answers], seed=0)

    def gain_over_random(self) -> Interval:
        """Returns how much lower the error is after all questions than with those."""
        return paired_difference(self.random[-1], self.chosen[-1], seed=0)


def plan_questions(
    rank: RankUsers,
    choosers: Sequence[UserTask],
    judges: Sequence[UserTask],
    *,
    num_questions: int = NUM_QUESTIONS,
) -> QuestionPlan | None:
    """Chooses questions one after the other, each after the answers before.

    The next one is the candidate with the largest expected reduction: the share of
    known users that can answer, times what their error falls by, in pairs, with the
    answer in the support set beside the answers before. What falls by no more than
    chance explains is drawn to the mean of all candidates (see `shrunk`), so that the
    best known items come first where none tells more. Errors are those on pairs whose
    items are no candidates, so that all lists are judged on the same pairs, and no pair
    is ever in support and query set.

    The best of many looks better than it is: what the list is worth is measured on
    other users than those by whom it was chosen.

    Args:
        rank: The model.
        choosers: Known users with long histories, so that many of them can answer. The
            model may have been trained on them: all candidates profit from that alike.
        judges: Known users that it was not trained on.
        num_questions: L.

    Returns:
        None if there are too few users of either kind, or candidates.
    """
    chance = np.random.default_rng(0)
    candidates = candidate_items(choosers)
    by, on = (
        [Answerer.of(task, candidates, chance) for task in tasks]
        for tasks in (choosers[:MAX_CHOOSERS], judges)
    )
    by, on = ([user for user in users if user.query.size] for users in (by, on))
    if min(len(by), len(on)) < MIN_USERS or len(candidates) < num_questions:
        return None
    questions = _choose(rank, by, candidates, num_questions)
    chosen = errors_after(rank, on, [question.item_id for question in questions])
    lists = [chance.permutation(candidates)[:num_questions] for _ in range(_NUM_RANDOM)]
    random = [errors_after(rank, on, items.tolist()) for items in lists]
    return QuestionPlan(
        questions, chosen, np.mean(random, axis=0), len(by), len(candidates)
    )


def candidate_items(tasks: Sequence[UserTask]) -> list[str]:
    """Returns the items that questions can be about, the best known first."""
    counts = collections.Counter(item for task in tasks for item in task.items)
    least = max(MIN_RATERS, MIN_SHARE * len(tasks))
    room = MAX_PAIR_SHARE * counts.total()
    candidates: list[str] = []
    for item in sorted(counts, key=lambda item: (-counts[item], item)):
        room -= counts[item]
        if counts[item] < least or room < 0.0 or len(candidates) == MAX_CANDIDATES:
            break
        candidates.append(item)
    return candidates


def shrunk(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Returns the mean of each group, drawn to the mean of all by what chance explains.

    A mean of n values keeps the share t / (t + s / n) of its distance, s the variance
    within groups and t that of the true means, by the method of moments.

    Args:
        values: By group, at least one value in all.
    """
    groups = {name: np.array(group) for name, group in values.items() if len(group)}
    everything = np.concatenate(list(groups.values()))
    grand = float(everything.mean())
    sizes = np.array([group.size for group in groups.values()])
    means = np.array([group.mean() for group in groups.values()])
    gaps = [float(((group - group.mean()) ** 2).sum()) for group in groups.values()]
    within = sum(gaps) / max(1, everything.size - len(groups))
    between = max(0.0, float(np.var(means) - np.mean(within / sizes)))
    shares = np.divide(
        between, between + within / sizes, out=np.zeros(sizes.size), where=between > 0.0
    )
    means = grand + shares * (means - grand)
    return dict(zip(groups, means.tolist(), strict=True))


def _choose(
    rank: RankUsers,
    users: Sequence[Answerer],
    candidates: Sequence[str],
    num_questions: int,
) -> list[Question]:
    """Chooses the questions by these users alone."""
    supports: list[list[int]] = [[] for _ in users]
    errors = errors_after(rank, users, [])[0]
    left = list(candidates)
    questions: list[Question] = []
    for _ in range(num_questions):
        after = errors_after_one(rank, users, supports, left)
        reductions = shrunk(
            {
                item: [errors[n] - error for n, error in by_user.items()]
                for item, by_user in after.items()
            }
        )
        best = max(reductions, key=lambda item: reductions[item] * len(after[item]))
        for n, error in after[best].items():
            supports[n].append(users[n].place_of[best])
            errors[n] = error
        left.remove(best)
        share = len(after[best]) / len(users)
        questions.append(Question(best, share, reductions[best]))
    return questions


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
