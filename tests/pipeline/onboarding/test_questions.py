import numpy as np
import pytest

from pipeline.onboarding.questions import candidate_items, plan_questions, shrunk
from pipeline.onboarding.tasks import UserTask

POPULAR = [f"item {letter}" for letter in "ABCDEF"]


def make_users(num_users, seed):
    """Users who know most of the popular items, and six items of their own."""
    chance = np.random.default_rng(seed)
    users = []
    for n in range(num_users):
        known = [item for item in POPULAR if chance.random() < 0.8]
        items = [*known, *(f"own {seed} {n} {k}" for k in range(6))]
        labels = chance.integers(1, 6, len(items)).astype(float)
        users.append(UserTask(f"{seed} {n}", np.array(items, object), labels))
    return users


def model(worth):
    """Errors of 1, less what each item in the support set is worth."""

    def rank(episodes):
        return [
            e.task.labels[e.query]
            + 1.0
            - sum(worth.get(item, 0.0) for item in set(e.task.items[e.support]))
            for e in episodes
        ]

    return rank


@pytest.fixture(scope="module")
def choosers():
    return make_users(60, 1)


@pytest.fixture(scope="module")
def judges():
    return make_users(50, 2)


def share(tasks, item):
    return np.mean([item in task.items for task in tasks])


def test_the_item_that_tells_everything_is_asked_about_first(choosers, judges):
    worth = {"item A": 0.9, "item C": 0.05}
    plan = plan_questions(model(worth), choosers, judges, num_questions=2)
    assert [question.item_id for question in plan.questions] == ["item A", "item C"]
    first = plan.questions[0]
    assert first.share == pytest.approx(share(choosers, "item A"))
    assert first.reduction == pytest.approx(0.9, abs=1e-6)
    # Who cannot answer stays as they were.
    expected = 1.0 - 0.9 * share(judges, "item A")
    assert plan.expected(0).mean == pytest.approx(1.0)
    assert plan.expected(1).mean == pytest.approx(expected)
    assert plan.expected(2).mean == pytest.approx(
        expected - 0.05 * share(judges, "item C")
    )
    assert plan.gain_over_random().low > 0.0


def test_a_question_is_chosen_given_the_answers_before(choosers, judges):
    def rank(episodes):
        """A and B say the same, so that B is of no use after A; C is of some."""
        scores = []
        for e in episodes:
            shown = set(e.task.items[e.support])
            told = 0.5 * bool(shown & {"item A", "item B"}) + 0.1 * ("item C" in shown)
            scores.append(e.task.labels[e.query] + 1.0 - told)
        return scores

    everyone = [
        UserTask(
            t.task_id, np.array([*POPULAR, f"own {t.task_id}"], object), np.ones(7)
        )
        for t in choosers
    ]
    plan = plan_questions(rank, everyone, judges, num_questions=2)
    first, second = (question.item_id for question in plan.questions)
    assert first in ("item A", "item B")
    assert second == "item C"


def test_no_pair_is_shown_and_asked_for(choosers, judges):
    seen = []

    def rank(episodes):
        seen.extend(episodes)
        return model({})(episodes)

    plan_questions(rank, choosers, judges, num_questions=3)
    assert any(e.support.size == 3 for e in seen)
    assert all(not set(e.support) & set(e.query) for e in seen)
    assert all(item.startswith("own") for e in seen for item in e.task.items[e.query])


def test_where_none_tells_more_the_best_known_are_asked_about(choosers, judges):
    chance = np.random.default_rng(0)

    def rank(episodes):
        return [
            e.task.labels[e.query] + 1.0 - 0.1 * e.support.size + chance.normal() * 0.01
            for e in episodes
        ]

    plan = plan_questions(rank, choosers, judges, num_questions=2)
    best_known = max(POPULAR, key=lambda item: share(choosers, item))
    assert plan.questions[0].item_id == best_known


def test_too_few_users_or_items_give_no_plan(choosers, judges):
    assert plan_questions(model({}), choosers[:39], judges, num_questions=2) is None
    assert plan_questions(model({}), choosers, judges[:39], num_questions=2) is None
    assert plan_questions(model({}), choosers, judges, num_questions=7) is None


def test_candidates_are_what_enough_users_know_and_leave_half_of_the_pairs():
    items = np.array(["a", "b", "c", "d"], object)
    tasks = [
        UserTask(f"{n}", items[: 1 + n % 4], np.ones(1 + n % 4)) for n in range(40)
    ]
    # Known by 40, 30, 20 and 10 of 40; 100 pairs in all, 40 + 30 are above half.
    assert candidate_items(tasks) == ["a"]
    rare = [
        UserTask(f"{n}", np.array([f"own {n}"], object), np.ones(1)) for n in range(99)
    ]
    assert candidate_items([*tasks, *rare]) == ["a", "b", "c"]  # d: 10 of 139.


def test_what_chance_explains_is_drawn_to_the_mean_of_all():
    # Within groups the variance is 1, so that of a mean of four is 1/4; the means 0
    # and 2 vary by 1, which leaves 3/4 for the groups: 3/4 of the distance is kept.
    half = np.sqrt(0.75)  # Of four values +-half, the unbiased variance is 1.
    spread = np.array([-half, half, -half, half])
    found = shrunk({"low": spread, "high": 2.0 + spread})
    assert found == pytest.approx({"low": 0.25, "high": 1.75})
    alike = shrunk({"low": [0.0, 2.0], "high": [0.0, 2.0], "none": []})
    assert alike == {"low": 1.0, "high": 1.0}
