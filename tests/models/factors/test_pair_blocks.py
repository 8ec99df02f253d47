import numpy as np
import pytest

from models.factors import pair_blocks as module
from models.factors.pair_blocks import pair_blocks

SHAPE = 7, 11


@pytest.fixture
def pairs():
    """Users, items and residuals; user 2 has no pair, user 5 has most of them.

    Some pairs are there twice.
    """
    rng = np.random.default_rng(0)
    users = rng.choice([0, 1, 3, 4, 5, 5, 5, 6], 60)
    return users, rng.integers(0, SHAPE[1], 60), rng.normal(size=60)


@pytest.mark.parametrize("users_at_once", [2, 3, 100])
def test_products_are_the_sums_over_pairs_whatever_the_blocks(
    pairs, monkeypatch, users_at_once
):
    monkeypatch.setattr(module, "_USERS_AT_ONCE", users_at_once)
    rng = np.random.default_rng(1)
    of_users, of_items = rng.normal(size=(SHAPE[0], 3)), rng.normal(size=(SHAPE[1], 3))
    expected = np.zeros([2, SHAPE[0], 3]), np.zeros([2, SHAPE[1], 3])
    for user, item, residual in zip(*pairs, strict=True):
        for number, weight in enumerate([1.0, residual]):
            expected[0][number, user] += weight * of_items[item]
            expected[1][number, item] += weight * of_users[user]
    by_user, by_item = np.zeros_like(expected[0]), np.zeros_like(expected[1])
    blocks = pair_blocks(*pairs, SHAPE)
    for block in blocks:
        for number, matrix in enumerate([block.seen, block.residual]):
            by_user[number, block.users] += matrix @ of_items
            by_item[number] += matrix.T @ of_users[block.users]
    np.testing.assert_allclose(by_user, expected[0], atol=1e-5)
    np.testing.assert_allclose(by_item, expected[1], atol=1e-5)
    assert max(len(block.users) for block in blocks) <= users_at_once
    users = np.concatenate([block.users for block in blocks])
    np.testing.assert_array_equal(users, [0, 1, 3, 4, 5, 6])


def test_blocks_are_larger_where_each_makes_a_sum_for_many_items(pairs, monkeypatch):
    monkeypatch.setattr(module, "_USERS_AT_ONCE", 2)
    users, items, residual = pairs
    blocks = pair_blocks(users, items, residual, (SHAPE[0], 16))
    assert [len(block.users) for block in blocks] == [4, 2]  # A quarter of 16 items.
