import dataclasses

import numpy as np
import pytest

from tests.support.made_clicks import scenario_users
from transforms.clicks.scenario_task import build_task
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    PoolSpec,
    ScenarioDatasetSpec,
    ScenarioEpisodeSpec,
    ScenarioSplitSpec,
)
from transforms.clicks.tasks import reason_to_drop
from transforms.schema import META_TEST, META_TRAIN, META_VALIDATION
from transforms.table_spec import TableSpec

POOL = [f"i{n}" for n in range(10)]
DOMAIN = DomainSpec(
    ClickSpec(TableSpec("clicks.csv")), PoolSpec(TableSpec("pools.csv"))
)
SPEC = ScenarioDatasetSpec(
    (DOMAIN,), episodes=ScenarioEpisodeSpec(support_size=4, num_negatives=3)
)
# Items that are known, held out for meta-validation and for meta-test; folds.
USERS = [
    ("u1", (["i0", "i1", "i2"], ["i7"], ["i3"]), [0, 1, 2]),
    ("u2", (["i4", "i5", "i6"], [], []), [3, 4, 0]),
]


def build(split, users=USERS):
    return build_task("s", split, POOL, scenario_users(users, POOL), SPEC)


def build_by_time(split, users, times):
    """A task of users whose clicks have times, the whole of it in one split."""
    clicks = dataclasses.replace(scenario_users(users, POOL), times=np.array(times))
    window = ScenarioSplitSpec(validation_from=1, test_from=2, held_out_fraction=0.4)
    click = ClickSpec(TableSpec("c.csv"), scenario_column="s", time_column="t")
    sizes = dataclasses.replace(SPEC.episodes, support_size=2, order="time")
    spec = ScenarioDatasetSpec((DomainSpec(click),), split=window, episodes=sizes)
    return build_task("s", split, POOL, clicks, spec)


def clicks_of(task, clicks):
    """(user, place in the pool) of each click."""
    users = task.users.take(clicks.users).to_pylist()
    return list(zip(users, clicks.items.tolist(), strict=True))


def known_of(task):
    users = task.users.take(task.known_users).to_pylist()
    return list(zip(users, task.known_items.tolist(), strict=True))


def negatives_by_user(task, clicks):
    negatives = {}
    drawn = zip(clicks_of(task, clicks), clicks.negatives.tolist(), strict=True)
    for (user_id, _), places in drawn:
        negatives.setdefault(user_id, set()).update(places)
    return negatives


def test_a_meta_train_task_holds_all_known_clicks_and_nothing_held_out():
    task = build(META_TRAIN)
    assert sorted(clicks_of(task, task.support)) == [
        *(("u1", place) for place in (0, 1, 2)),
        *(("u2", place) for place in (4, 5, 6)),
    ]
    folds = zip(task.support.items.tolist(), task.support.folds.tolist(), strict=True)
    assert dict(folds) == {0: 0, 1: 1, 2: 2, 4: 3, 5: 4, 6: 0}
    assert clicks_of(task, task.query) == known_of(task) == []


def test_a_meta_test_task_holds_a_support_set_and_all_held_out_clicks():
    task = build(META_TEST)
    assert len(task.support.items) == 4
    assert task.num_known == 6
    assert clicks_of(task, task.query) == [("u1", 3)]
    # The second user is not in the query, so that nothing of theirs needs excluding. Of
    # the first one, what is held out for meta-validation is no candidate either.
    assert known_of(task) == [("u1", place) for place in (0, 1, 2, 7)]


def test_a_meta_validation_task_asks_for_what_is_held_out_for_it():
    task = build(META_VALIDATION)
    assert clicks_of(task, task.query) == [("u1", 7)]
    assert known_of(task) == [("u1", place) for place in (0, 1, 2, 3)]


def test_by_time_the_first_clicks_are_shown_and_the_last_are_asked_for():
    users = [
        ("u1", ([], [], ["i0", "i1", "i2"]), []),
        ("u2", ([], [], ["i3", "i4"]), []),
    ]
    task = build_by_time(META_TEST, users, [9.0, 7.0, 3.0, 8.0, 5.0])
    assert clicks_of(task, task.support) == [("u1", 2), ("u2", 4)]
    assert clicks_of(task, task.query) == [("u2", 3), ("u1", 0)]
    # What lies between is neither, and no candidate of who has clicked it.
    assert sorted(known_of(task)) == [("u1", 1), ("u1", 2), ("u2", 4)]
    assert task.num_known == 3
    negatives = negatives_by_user(task, task.support)
    assert not negatives["u1"] & {1, 2}
    assert not negatives_by_user(task, task.query)["u1"] & {0, 1, 2}


def test_by_time_one_click_is_held_out_at_least_and_none_of_a_single_one():
    task = build_by_time(META_TEST, [("u1", ([], [], ["i0", "i1"]), [])], [4.0, 3.0])
    assert clicks_of(task, task.query) == [("u1", 0)]
    task = build_by_time(META_TEST, [("u1", ([], [], ["i0"]), [])], [4.0])
    assert clicks_of(task, task.query) == []


def test_by_time_a_meta_validation_task_holds_nothing_of_meta_test():
    users = [("u1", ([], ["i0", "i1", "i2"], ["i3"]), [])]
    task = build_by_time(META_VALIDATION, users, [1.0, 1.5, 1.2, 2.0])
    assert clicks_of(task, task.support) == [("u1", 0), ("u1", 2)]
    assert clicks_of(task, task.query) == [("u1", 1)]
    assert known_of(task) == [("u1", 0), ("u1", 2), ("u1", 3)]


def test_negatives_of_the_support_avoid_what_is_known_of_the_user():
    task = build(META_TRAIN)
    negatives = negatives_by_user(task, task.support)
    assert not negatives["u1"] & {0, 1, 2}
    assert not negatives["u2"] & {4, 5, 6}


def test_negatives_of_the_query_avoid_what_is_held_out_too():
    task = build(META_TEST, [("u1", (["i0"], ["i1"], POOL[2:7]), [0])])
    negatives = negatives_by_user(task, task.query)
    assert negatives == {"u1": {7, 8, 9}}  # All that are left.


def test_support_negatives_do_not_know_what_is_held_out():
    task = build(META_TEST, [("u1", (["i0"], [], POOL[1:]), [0])])
    # Everything but the known click is held out, and the negatives come from there.
    assert set(task.support.negatives.ravel().tolist()) <= set(range(1, 10))
    assert not task.query.items.size  # No item is left to compare a query click with.


def test_clicks_that_leave_no_item_to_draw_are_left_out_and_counted():
    full = ("u1", (POOL, [], []), [0] * 10)
    half = ("u2", (POOL[:8], [], POOL[8:]), [0] * 8)
    last = ("u3", (["i0"], [], ["i1"]), [0])
    task = build(META_TEST, [full, half, last])
    # All 10 clicks of the first user; of the second one the 2 of the query.
    assert task.num_without_negative == 12
    assert task.num_known == 8 + 1
    # The query has nothing of the second user: nothing of theirs needs excluding.
    for clicks in (clicks_of(task, task.query), known_of(task)):
        assert {user_id for user_id, _ in clicks} == {"u3"}


def test_a_click_and_its_negatives_do_not_depend_on_other_users():
    alone = build(META_TRAIN, USERS[:1])
    among = build(META_TRAIN, USERS[::-1])
    negatives = [
        dict(
            zip(
                clicks_of(task, task.support),
                task.support.negatives.tolist(),
                strict=True,
            )
        )
        for task in (alone, among)
    ]
    assert negatives[0].items() <= negatives[1].items()
    order = [click for click in clicks_of(among, among.support) if click[0] == "u1"]
    assert order == clicks_of(alone, alone.support)


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
    assert reason_to_drop(num_known, num_query, split, SPEC.episodes) == reason
