"""What a domain becomes must not depend on which domains it is prepared with."""

import dataclasses

import pytest

from transforms.clicks.clicks import ClickBlock, domain_order, in_domain, raw_id
from transforms.clicks.merged_pools import merge_pools
from transforms.clicks.pools import PoolBlock
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    PoolSpec,
    ScenarioDatasetSpec,
    ScenarioEpisodeSpec,
)
from transforms.clicks.tasks import build_task
from transforms.clicks.user_clicks import clicks_by_scenario, items_by_user, split_pairs
from transforms.schema import SPLITS
from transforms.table_spec import TableSpec

SIZES = ScenarioEpisodeSpec(min_pool_size=5, support_size=12, num_negatives=2)
ITEMS = [str(n) for n in range(12)]  # "9" is before "10", but "a:10" before "a:9".


def domain(name):
    return DomainSpec(
        ClickSpec(TableSpec("clicks.csv")), PoolSpec(TableSpec("pools.csv")), name=name
    )


def task_of(split, name, *others):
    """The task of one scenario, with ids as they came."""
    spec = ScenarioDatasetSpec(
        tuple(domain(each) for each in (*others, name)), episodes=SIZES
    )
    pairs = [(f"{u}", f"{(3 * u + k) % 12}") for u in range(20) for k in range(6)]
    block = ClickBlock(
        [in_domain(name, user) for user, _ in pairs],
        [in_domain(name, item) for _, item in pairs],
        [""] * len(pairs),
    )
    scenario_id = in_domain(name, "s")
    pool = {in_domain(name, item): None for item in ITEMS}
    pools = merge_pools([PoolBlock({scenario_id: pool})], spec)
    by_user, _ = items_by_user([block])
    order = domain_order(spec.domain_names)
    users = [
        user
        for user_id, items in by_user.items()
        for _, user in clicks_by_scenario(
            split_pairs(user_id, sorted(items, key=order), spec), items, pools, spec
        )
    ]
    task = build_task(scenario_id, split, pools.items[scenario_id], users, spec)
    names = spec.domain_names
    for clicks in (task.support, task.query):
        clicks.users = [raw_id(user_id, names) for user_id in clicks.users]
    return dataclasses.replace(
        task,
        scenario_id=raw_id(task.scenario_id, names),
        pool=[raw_id(item_id, names) for item_id in task.pool],
        known_users=[raw_id(user_id, names) for user_id in task.known_users],
    )


@pytest.mark.parametrize("split", SPLITS)
def test_a_domain_has_the_same_tasks_alone_and_in_a_hybrid(split):
    alone = task_of(split, "")
    assert alone.support.items
    assert bool(alone.query.items) == (split != "meta_train")
    assert task_of(split, "a", "b") == alone
    assert task_of(split, "z", "b") == alone
