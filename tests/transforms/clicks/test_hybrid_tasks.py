"""What a domain becomes must not depend on which domains it is prepared with."""

import pytest

from tests.support.made_clicks import click_block
from transforms.clicks.click_pairs import pairs_of_users
from transforms.clicks.ids import in_domain, raw_id, raw_ids
from transforms.clicks.merged_pools import merge_pools
from transforms.clicks.pools import PoolBlock
from transforms.clicks.scenario_task import build_task
from transforms.clicks.schema import (
    ClickSpec,
    DomainSpec,
    PoolSpec,
    ScenarioDatasetSpec,
    ScenarioEpisodeSpec,
)
from transforms.clicks.user_clicks import clicks_by_scenario, split_pairs
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
    rows = [(f"{u}", f"{(3 * u + k) % 12}") for u in range(20) for k in range(6)]
    block = click_block(
        [in_domain(name, user) for user, _ in rows],
        [in_domain(name, item) for _, item in rows],
    )
    scenario_id = in_domain(name, "s")
    pool = {in_domain(name, item): None for item in ITEMS}
    pools = merge_pools([PoolBlock({scenario_id: pool})], spec)
    pairs, _ = pairs_of_users([block], spec.domain_names)
    ((_, users),) = clicks_by_scenario(split_pairs(pairs, spec), pools, spec)
    task = build_task(scenario_id, split, pools.items[scenario_id], users, spec)
    names = spec.domain_names
    return {
        "pool": [raw_id(item_id, names) for item_id in task.pool],
        "users": raw_ids(task.users, names).to_pylist(),
        "support": [column.tolist() for column in vars(task.support).values()],
        "query": [column.tolist() for column in vars(task.query).values()],
        "known": [task.known_users.tolist(), task.known_items.tolist()],
    }


@pytest.mark.parametrize("split", SPLITS)
def test_a_domain_has_the_same_tasks_alone_and_in_a_hybrid(split):
    alone = task_of(split, "")
    assert alone["support"][1]
    assert bool(alone["query"][1]) == (split != "meta_train")
    assert task_of(split, "a", "b") == alone
    assert task_of(split, "z", "b") == alone
