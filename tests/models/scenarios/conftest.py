"""A few scenarios and vectors in memory."""

import numpy as np
import pytest

from models.scenarios.records import ScenarioTask

NUM_USERS, NUM_ITEMS, NUM_FOLDS, WIDTH, NUM_NEGATIVES = 20, 30, 3, 4, 3


def make_task(seed, num_clicks=40, pool_size=15):
    """A task whose clicks are different pairs, each with negatives of its own."""
    chance = np.random.default_rng(seed)
    pool = np.sort(chance.choice(np.arange(1, NUM_ITEMS + 1), pool_size, False))
    pairs = chance.choice(NUM_USERS * pool_size, num_clicks, replace=False)
    user, item = 1 + pairs // pool_size, pool[pairs % pool_size]
    half = num_clicks // 2

    def negatives(users):
        clicked = {u: set(item[user == u]) for u in users}
        return np.array(
            [
                chance.choice([i for i in pool if i not in clicked[u]], NUM_NEGATIVES)
                for u in users
            ]
        ).reshape(-1, NUM_NEGATIVES)

    def rows(values):
        return np.asarray(values, np.int32)

    return ScenarioTask(
        scenario_id=f"s{seed}",
        pool=rows(pool),
        support_user=rows(user[:half]),
        support_item=rows(item[:half]),
        support_fold=rows(np.arange(half) % NUM_FOLDS),
        support_negative=rows(negatives(user[:half])),
        query_user=rows(user[half:]),
        query_item=rows(item[half:]),
        query_negative=rows(negatives(user[half:])),
        known_user=rows(user[:half]),
        known_item=rows(item[:half]),
    )


@pytest.fixture(scope="session")
def tasks():
    """Three tasks of 20 support and 20 query clicks each."""
    return [make_task(seed) for seed in range(3)]
