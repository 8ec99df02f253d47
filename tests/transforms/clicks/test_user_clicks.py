import dataclasses
import random
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from tests.support.made_clicks import click_block
from transforms.clicks.click_pairs import pairs_of_users
from transforms.clicks.clicks import ClickBlock
from transforms.clicks.merged_pools import Pools
from transforms.clicks.scenario_users import (
    FOR_TEST,
    FOR_VALIDATION,
    KNOWN,
    ScenarioUsers,
    join,
    trim,
)
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    ScenarioDatasetSpec,
    ScenarioSplitSpec,
)
from transforms.clicks.user_clicks import clicks_by_scenario, split_pairs
from transforms.schema import META_TEST
from transforms.stable_hash import stable_fraction
from transforms.table_spec import TableSpec

DOMAIN = DomainSpec(ClickSpec(TableSpec("clicks.csv"), scenario_column="scenario"))
TIMED = (
    dataclasses.replace(
        DOMAIN, clicks=dataclasses.replace(DOMAIN.clicks, time_column="day")
    ),
)
SPLIT = ScenarioDatasetSpec((DOMAIN,), split=ScenarioSplitSpec(num_folds=3))


def triples(pairs):
    """(user, item, scenarios that the log says) of each pair."""
    columns = (pairs.users.take(pairs.owners), pairs.items.take(pairs.codes))
    said = [set() for _ in pairs.owners]
    for pair, scenario in pairs.logged.T.tolist():
        said[pair].add(pairs.scenarios[scenario].as_py())
    return list(zip(*(column.to_pylist() for column in columns), said, strict=True))


def split_of(items, *, user="u", scenarios=None):
    block = click_block([user] * len(items), items, scenarios)
    pairs, _ = pairs_of_users([block], SPLIT.domain_names)
    return split_pairs(pairs, SPLIT)


def rows_of(split):
    """Role and fold by item."""
    items = split.pairs.items.take(split.pairs.codes).to_pylist()
    rows = zip(split.roles.tolist(), split.folds.tolist(), strict=True)
    return dict(zip(items, rows, strict=True))


def users(*sizes, first=1):
    """Users with 1, 2, ... for a digest and so many clicks each."""
    digests = np.arange(first, first + len(sizes), dtype=np.uint64)
    number = sum(sizes)
    return ScenarioUsers(
        digests,
        pa.array([f"u{digest}" for digest in digests]),
        np.array(sizes),
        np.arange(number),
        np.zeros(number, np.uint8),
        np.arange(number) % 5,
        np.zeros(number),
        0.0,
    )


def by_user(scenario):
    """Places in the pool of each user."""
    ends = np.cumsum(scenario.sizes)
    places = np.split(scenario.places, ends[:-1])
    return {
        user: of_user.tolist()
        for user, of_user in zip(scenario.users.to_pylist(), places, strict=True)
    }


def test_a_block_is_the_same_once_it_was_packed():
    block = click_block(["u1", "u2", "u1"], ["a", "b", "b"], ["s", "", "s"], "c")
    again = ClickBlock.unpacked(block.packed())
    for name in ("users", "items", "scenarios"):
        assert getattr(again, name).values == getattr(block, name).values
        assert (
            getattr(again, name).codes.tolist() == getattr(block, name).codes.tolist()
        )
    assert (again.table, again.times) == ("c", None)
    timed = click_block(["u1", "u2"], ["a", "b"], times=[1.5, 2])
    assert ClickBlock.unpacked(timed.packed()).times.tolist() == [1.5, 2.0]


def test_a_repeated_row_counts_once():
    first = click_block(["u1", "u1", "u2"], ["b", "a", "a"])
    second = click_block(["u1"], ["a"])
    pairs, counts = pairs_of_users([first, second], [""])
    assert triples(pairs) == [
        ("u1", "a", set()),
        ("u1", "b", set()),
        ("u2", "a", set()),
    ]
    assert counts.tables["clicks"].used == 3
    assert counts.tables["clicks"].left_out == {"repeated_click": 1}
    assert counts.scenarios == {}


def test_a_click_in_another_scenario_is_no_repetition():
    block = click_block(["u1", "u1", "u1"], ["a", "a", "a"], ["s", "t", "s"])
    pairs, counts = pairs_of_users([block], [""])
    assert triples(pairs) == [("u1", "a", {"s", "t"})]
    assert counts.tables["clicks"].left_out == {"repeated_click": 1}
    assert counts.scenarios == {"s": 2, "t": 1}


def test_users_and_items_of_domains_stand_domain_after_domain():
    first = click_block(["a:2", "a:10"], ["a:i", "a:i"], table="a.clicks")
    second = click_block(["b:1", "b:1"], ["b:9", "b:9"], table="b.clicks")
    pairs, counts = pairs_of_users([first, second], ["b", "a"])
    assert pairs.users.to_pylist() == ["b:1", "a:2", "a:10"]
    assert pairs.items.to_pylist() == ["b:9", "a:i"]
    assert counts.tables["b.clicks"].left_out == {"repeated_click": 1}
    assert counts.tables["a.clicks"].used == 2


def test_pairs_are_held_out_by_the_time_of_their_first_click():
    items = [f"i{number}" for number in range(8)]
    first = click_block(["u"] * 8, items, times=[9, 2, 3, 4, 5, 6, 7, 8])
    second = click_block(["u"] * 2, ["i7", "i0"], times=[9, 1])
    split = ScenarioSplitSpec(validation_from=4, test_from=6)
    pairs, counts = pairs_of_users([first, second], [""], split.starts)
    assert pairs.times.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    left_out = {"repeated_click": 1, "click_after_split": 1}  # Of i7 and i0.
    assert counts.tables["clicks"].left_out == left_out
    spec = dataclasses.replace(SPLIT, split=split, domains=TIMED)
    roles = {
        item: role for item, (role, _) in rows_of(split_pairs(pairs, spec)).items()
    }
    assert [roles[item] for item in items] == (
        [KNOWN] * 3 + [FOR_VALIDATION] * 2 + [FOR_TEST] * 3
    )


def test_a_later_click_of_a_known_pair_in_another_scenario_is_not_learnt():
    block = click_block(["u"] * 3, ["a", "a", "b"], ["s", "t", "t"], times=[1, 7, 8])
    pairs, counts = pairs_of_users([block], [""], {META_TEST: 5.0})
    assert triples(pairs) == [("u", "a", {"s"}), ("u", "b", {"t"})]
    assert counts.tables["clicks"].left_out == {"click_after_split": 1}


def test_a_late_pair_may_count_in_one_scenario_only_where_it_was_clicked_first():
    block = click_block(
        *(["u"] * 8, ["a", "a", "b", "b", "b", "c", "c", "b"]),
        *(["s", "t", "u", "t", "s", "t", "s", "t"], "clicks"),
        times=[1, 2, 9, 7, 8, 6, 6, 7.5],
    )
    starts = {META_TEST: 5.0}
    pairs, counts = pairs_of_users([block], [""], starts, late_once=True)
    known = ("u", "a", {"s", "t"})
    assert triples(pairs) == [known, ("u", "b", {"t"}), ("u", "c", {"s"})]
    assert counts.tables["clicks"].left_out == {"repeated_click": 4}
    pairs, _ = pairs_of_users([block], [""], starts)
    assert triples(pairs)[1:] == [("u", "b", {"s", "t", "u"}), ("u", "c", {"s", "t"})]


def test_a_share_of_late_pairs_is_for_validation_where_it_has_no_time_of_its_own():
    items = [f"i{number}" for number in range(400)]
    block = click_block(["u"] * 400, items, times=range(400))
    split = ScenarioSplitSpec(test_from=200, held_out_for_validation=0.5)
    pairs, _ = pairs_of_users([block], [""], split.starts)
    spec = dataclasses.replace(SPLIT, split=split, domains=TIMED)
    roles = {
        item: role for item, (role, _) in rows_of(split_pairs(pairs, spec)).items()
    }
    assert {roles[item] for item in items[:200]} == {KNOWN}
    late = Counter(roles[item] for item in items[200:])
    assert set(late) == {FOR_VALIDATION, FOR_TEST}
    assert 70 < late[FOR_TEST] < 130


def test_a_shard_without_clicks_has_no_pairs():
    pairs, counts = pairs_of_users([], [""])
    split = split_pairs(pairs, SPLIT)
    assert (len(pairs.users), counts.tables, len(split.roles)) == (0, {}, 0)
    pools = Pools({"s": ["a"]}, Counter())
    assert list(clicks_by_scenario(split, pools, SPLIT)) == []


def test_each_pair_is_known_or_held_out():
    rows = rows_of(split_of([f"i{n}" for n in range(200)]))
    assert len(rows) == 200
    roles = Counter(role for role, _ in rows.values())
    # 40 held out are expected, with a deviation of 6; of them 12 for meta-validation.
    assert 20 < roles[FOR_VALIDATION] + roles[FOR_TEST] < 60
    assert 3 < roles[FOR_VALIDATION] < roles[FOR_TEST]
    assert {fold for _, fold in rows.values()} == {0, 1, 2}


def test_role_and_fold_are_those_of_stable_hashes():
    for item, (role, fold) in rows_of(split_of([f"i{n}" for n in range(50)])).items():
        is_held_out = stable_fraction(0, "held_out", "u", item) < 0.2
        is_for_test = stable_fraction(0, "held_out_for", "u", item) >= 0.3
        expected = (FOR_TEST if is_for_test else FOR_VALIDATION) if is_held_out else 0
        assert (role, fold) == (
            expected,
            int(stable_fraction(0, "fold", "u", item) * 3),
        )


def test_a_pair_is_split_alike_whatever_else_the_user_clicked():
    alone = rows_of(split_of(["i7"]))
    among = rows_of(split_of([f"i{n}" for n in range(20)]))
    assert alone["i7"] == among["i7"]


def test_pairs_of_a_user_stand_by_role_then_by_item():
    split = split_of([str(n) for n in range(100)])
    items = split.pairs.items.take(split.pairs.codes).to_pylist()
    rows = list(zip(split.roles.tolist(), map(int, items), strict=True))
    assert rows == sorted(rows)


def test_a_click_counts_in_every_scenario_that_has_the_item():
    pools = Pools({"s": ["a", "c"], "t": ["a", "b"]}, Counter())
    split = split_of(["x", "b", "a"])
    found = dict(clicks_by_scenario(split, pools, SPLIT))
    assert by_user(found["s"]) == {"u": [0]}
    # Items stand by their roles, which they have in every scenario.
    roles = {item: role for item, (role, _) in rows_of(split).items()}
    places = by_user(found["t"])["u"]
    assert sorted(places) == [0, 1]
    assert found["t"].roles.tolist() == [roles["ab"[place]] for place in places]


def test_a_click_counts_only_where_the_log_says_it_happened():
    pools = Pools({"s": ["a"], "t": ["a"]}, Counter())
    split = split_of(["a", "a"], scenarios=["t", "elsewhere"])
    assert [name for name, _ in clicks_by_scenario(split, pools, SPLIT)] == ["t"]


def test_trimming_keeps_whole_users_until_the_limit_is_reached():
    # 3 clicks are below 5, 6 are not: the third user goes with all 4 clicks.
    trimmed = trim(users(3, 3, 4), 5)
    assert by_user(trimmed) == {"u1": [0, 1, 2], "u2": [3, 4, 5]}
    assert trimmed.num_dropped == 4


def test_users_of_one_digest_stand_by_their_ids():
    twins = users(1, 1, 1)
    twins.digests[:] = 7
    other_way = twins.take(np.array([2, 0, 1]))
    assert by_user(trim(other_way, 9)) == by_user(twins)
    assert list(by_user(trim(other_way, 9))) == ["u1", "u2", "u3"]


@pytest.mark.parametrize("seed", range(5))
def test_joining_does_not_depend_on_the_order_of_the_parts(seed):
    chance = random.Random(seed)
    sizes = [chance.randint(1, 9) for _ in range(30)]
    at_once = join([users(*sizes)], 40)
    parts = [users(*sizes).take(np.array([place])) for place in range(30)]
    chance.shuffle(parts)
    while len(parts) > 1:
        first, second = parts.pop(), parts.pop()
        parts.insert(chance.randint(0, len(parts)), join([first, second], 40))
    assert by_user(parts[0]) == by_user(at_once)
    assert parts[0].num_dropped == at_once.num_dropped > 0
    assert parts[0].roles.tolist() == [KNOWN] * len(at_once.roles)
