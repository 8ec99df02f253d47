import random
from collections import Counter

import pytest

from transforms.clicks.clicks import ClickBlock
from transforms.clicks.merged_pools import Pools
from transforms.clicks.scenario_users import ScenarioUser, ScenarioUsers, join, trim
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    ScenarioDatasetSpec,
    ScenarioSplitSpec,
)
from transforms.clicks.user_clicks import (
    UserClicks,
    clicks_by_scenario,
    items_by_user,
    split_pairs,
)
from transforms.table_spec import TableSpec

DOMAIN = DomainSpec(ClickSpec(TableSpec("clicks.csv"), scenario_column="scenario"))
SPLIT = ScenarioDatasetSpec((DOMAIN,), split=ScenarioSplitSpec(num_folds=3))


def held_out(*for_test):
    return {"meta_validation": [], "meta_test": list(for_test)}


def user(digest, num_known, num_held_out=0):
    known = tuple(f"i{n}" for n in range(num_known))
    held_out = tuple(f"h{n}" for n in range(num_held_out))
    return ScenarioUser(
        bytes([digest]), f"u{digest}", known, (), held_out, (0,) * len(known)
    )


def test_a_repeated_row_counts_once():
    first = ClickBlock(["u1", "u1", "u2"], ["a", "b", "a"], ["", "", ""], "clicks")
    second = ClickBlock(["u1"], ["a"], [""], "clicks")
    users, counts = items_by_user([first, second])
    assert {name: sorted(items) for name, items in users.items()} == {
        "u1": ["a", "b"],
        "u2": ["a"],
    }
    assert counts["clicks"].used == 3
    assert counts["clicks"].left_out == {"repeated_click": 1}


def test_a_click_in_another_scenario_is_no_repetition():
    block = ClickBlock(["u1", "u1", "u1"], ["a", "a", "a"], ["s", "t", "s"])
    users, counts = items_by_user([block])
    assert users == {"u1": {"a": {"s", "t"}}}
    assert counts[""].left_out == {"repeated_click": 1}


def test_each_pair_is_known_or_held_out():
    items = [f"i{n}" for n in range(200)]
    clicks = split_pairs("u", items, SPLIT)
    validation, test = clicks.held_out["meta_validation"], clicks.held_out["meta_test"]
    assert sorted(clicks.known + validation + test) == sorted(items)
    # 40 held out are expected, with a deviation of 6; of them 12 for meta-validation.
    assert 20 < len(validation + test) < 60
    assert 3 < len(validation) < len(test)
    assert set(clicks.folds) == {0, 1, 2}
    assert len(clicks.folds) == len(clicks.known)


def test_a_pair_is_split_alike_whatever_else_the_user_clicked():
    alone = split_pairs("u", ["i7"], SPLIT)
    among = split_pairs("u", [f"i{n}" for n in range(20)], SPLIT)
    assert ("i7" in alone.known) == ("i7" in among.known)


def test_a_click_counts_in_every_scenario_that_has_the_item():
    pools = Pools({}, {"a": ["s", "t"], "b": ["t"]}, Counter())
    clicks = UserClicks("u", ["a", "x"], [0, 0], held_out("b"))
    items = {"a": set(), "b": set(), "x": set()}
    clicks_in = dict(clicks_by_scenario(clicks, items, pools, SPLIT))
    assert {name: (u.known, u.for_test) for name, u in clicks_in.items()} == {
        "s": (("a",), ()),
        "t": (("a",), ("b",)),
    }


def test_a_click_counts_only_where_the_log_says_it_happened():
    pools = Pools({}, {"a": ["s", "t"]}, Counter())
    clicks_in = dict(
        clicks_by_scenario(
            UserClicks("u", ["a"], [0], held_out()), {"a": {"t"}}, pools, SPLIT
        )
    )
    assert list(clicks_in) == ["t"]


def test_trimming_keeps_whole_users_until_the_limit_is_reached():
    scenario = ScenarioUsers([user(1, 3), user(2, 2, 1), user(3, 4)])
    # 3 clicks are below 5, 6 are not: the third user goes with all 4 clicks.
    trimmed = trim(scenario, 5)
    assert [u.user_id for u in trimmed.users] == ["u1", "u2"]
    assert trimmed.num_dropped == 4


@pytest.mark.parametrize("seed", range(5))
def test_joining_does_not_depend_on_the_order_of_the_parts(seed):
    chance = random.Random(seed)
    users = [user(digest, chance.randint(1, 9)) for digest in range(30)]
    at_once = join([ScenarioUsers(list(users))], 40)
    chance.shuffle(users)
    parts = [join([ScenarioUsers([u])], 40) for u in users]
    while len(parts) > 1:
        first, second = parts.pop(), parts.pop()
        parts.insert(chance.randint(0, len(parts)), join([first, second], 40))
    assert parts[0] == at_once
