import random
from collections import Counter

import pytest

from transforms.clicks.drawn_clicks import Clicks, draw_negatives
from transforms.clicks.scenario_users import ScenarioUser
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    PoolSpec,
    ScenarioDatasetSpec,
    ScenarioEpisodeSpec,
)
from transforms.clicks.tasks import ScenarioTask, build_task, reason_to_drop
from transforms.schema import META_TEST, META_TRAIN, META_VALIDATION
from transforms.table_spec import TableSpec

POOL = [f"i{n}" for n in range(10)]
DOMAIN = DomainSpec(
    ClickSpec(TableSpec("clicks.csv")), PoolSpec(TableSpec("pools.csv"))
)
SPEC = ScenarioDatasetSpec(
    (DOMAIN,), episodes=ScenarioEpisodeSpec(support_size=4, num_negatives=3)
)
USERS = [
    ScenarioUser(b"1", "u1", ("i0", "i1", "i2"), ("i7",), ("i3",), (0, 1, 2)),
    ScenarioUser(b"2", "u2", ("i4", "i5", "i6"), (), (), (3, 4, 0)),
]


def build(split, users=USERS):
    return build_task("s", split, POOL, users, SPEC)


def negatives_by_user(clicks):
    negatives = {}
    for place, user_id in enumerate(clicks.users):
        drawn = clicks.negatives[3 * place : 3 * place + 3]
        negatives.setdefault(user_id, set()).update(drawn)
    return negatives


def test_a_meta_train_task_holds_all_known_clicks_and_nothing_held_out():
    task = build(META_TRAIN)
    pairs = set(zip(task.support.users, task.support.items, strict=True))
    assert pairs == {("u1", 0), ("u1", 1), ("u1", 2), ("u2", 4), ("u2", 5), ("u2", 6)}
    folds = dict(zip(task.support.items, task.support.folds, strict=True))
    assert folds == {0: 0, 1: 1, 2: 2, 4: 3, 5: 4, 6: 0}
    assert task.query == Clicks()
    assert task.known_users == []


def test_a_meta_test_task_holds_a_support_set_and_all_held_out_clicks():
    task = build(META_TEST)
    assert len(task.support.items) == 4
    assert (task.query.users, task.query.items.tolist()) == (["u1"], [3])
    # The second user is not in the query, so that nothing of theirs needs excluding. Of
    # the first one, what is held out for meta-validation is no candidate either.
    assert (task.known_users, task.known_items) == (["u1"] * 4, [0, 1, 2, 7])


def test_a_meta_validation_task_asks_for_what_is_held_out_for_it():
    task = build(META_VALIDATION)
    assert (task.query.users, task.query.items.tolist()) == (["u1"], [7])
    assert task.known_items == [0, 1, 2, 3]


def test_negatives_of_the_support_avoid_what_is_known_of_the_user():
    negatives = negatives_by_user(build(META_TRAIN).support)
    assert not negatives["u1"] & {0, 1, 2}
    assert not negatives["u2"] & {4, 5, 6}


def test_negatives_of_the_query_avoid_what_is_held_out_too():
    users = [ScenarioUser(b"1", "u1", ("i0",), ("i1",), tuple(POOL[2:7]), (0,))]
    negatives = negatives_by_user(build(META_TEST, users).query)
    assert negatives == {"u1": {7, 8, 9}}  # All that are left.


def test_support_negatives_do_not_know_what_is_held_out():
    users = [ScenarioUser(b"1", "u1", ("i0",), (), tuple(POOL[1:]), (0,))]
    task = build(META_TEST, users)
    # Everything but the known click is held out, and the negatives come from there.
    assert set(task.support.negatives) <= set(range(1, 10))
    assert not task.query.items  # No item is left to compare a query click with.


def test_clicks_that_leave_no_item_to_draw_are_left_out_and_counted():
    full = ScenarioUser(b"1", "u1", tuple(POOL), (), (), (0,) * 10)
    half = ScenarioUser(b"2", "u2", tuple(POOL[:8]), (), tuple(POOL[8:]), (0,) * 8)
    last = ScenarioUser(b"3", "u3", ("i0",), (), ("i1",), (0,))
    task = build(META_TEST, [full, half, last])
    # All 10 clicks of the first user; of the second one the 2 of the query.
    assert task.num_without_negative == 12
    assert task.num_known == 8 + 1
    # The query has nothing of the second user: nothing of theirs needs excluding.
    assert set(task.query.users) == set(task.known_users) == {"u3"}


def test_the_same_seed_draws_the_same_task():
    assert build(META_TEST) == build(META_TEST)
    assert build(META_TEST, USERS[::-1]).support == build(META_TEST).support


@pytest.mark.parametrize(
    ("pool_size", "avoided", "wanted", "different"),
    [(100, {1, 2}, 4, 4), (8, {0, 1, 2, 3}, 3, 3), (5, {0, 1, 2}, 4, 2)],
)
def test_negatives_are_different_where_there_are_enough(
    pool_size, avoided, wanted, different
):
    drawn = draw_negatives(random.Random(0), pool_size, avoided, wanted, 1)
    assert len(drawn) == wanted
    assert not set(drawn) & avoided
    assert min(len(set(drawn)), different) == different


def test_negatives_are_drawn_evenly():
    chance = random.Random(0)
    counts = Counter(place for place in draw_negatives(chance, 10, {0, 1}, 2, 4000))
    # 8,000 draws of 8 places: 1,000 each, with a deviation of about 30.
    assert set(counts) == set(range(2, 10))
    assert max(abs(count - 1000) for count in counts.values()) < 150


def test_a_full_pool_leaves_nothing_to_draw():
    assert draw_negatives(random.Random(0), 3, {0, 1, 2}, 2, 1) == []


@pytest.mark.parametrize(
    ("split", "num_known", "num_query", "reason"),
    [
        (META_TRAIN, 20, 0, None),
        (META_TRAIN, 19, 0, "too_few_clicks"),
        (META_TEST, 20, 1, None),
        (META_TEST, 19, 1, "too_few_clicks"),  # Though a support set holds only 4.
        (META_TEST, 20, 0, "no_held_out_click"),
    ],
)
def test_tasks_that_are_too_small_are_left_out(split, num_known, num_query, reason):
    support, query = Clicks(items=[0] * 4), Clicks(items=[0] * num_query)
    task = ScenarioTask("s", split, POOL, support, query, [], [], num_known)
    assert reason_to_drop(task, SPEC.episodes) == reason
