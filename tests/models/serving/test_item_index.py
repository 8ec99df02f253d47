import numpy as np
import pytest

from models.serving import item_index
from models.serving.item_index import ItemIndex

NUM_ITEMS, WIDTH = 1000, 6


@pytest.fixture(scope="module")
def vectors():
    """Vectors that vary less and less from one direction to the next."""
    spread = 0.6 ** np.arange(WIDTH)
    chance = np.random.default_rng(0)
    return (chance.normal(size=[NUM_ITEMS, WIDTH]) * spread).astype(np.float32)


@pytest.fixture
def _small_blocks(monkeypatch):
    monkeypatch.setattr(item_index, "_BLOCK", 16)


@pytest.mark.usefixtures("_small_blocks")
def test_every_item_is_in_one_block():
    for num_items in (1, 15, 16, 17, 250):
        vectors = np.random.default_rng(0).normal(size=[num_items, 3])
        rows = np.arange(num_items, dtype=np.int32) + 5
        index = ItemIndex(vectors.astype(np.float32), rows, num_searched=10**6)
        found = index.search(np.ones([2, 3], np.float32)).numpy()
        assert found.shape == (2, index.num_searched)
        assert index.num_searched == -(-num_items // 16) * 16
        for task in found:
            assert sorted(task[task > 0]) == list(rows)


@pytest.mark.usefixtures("_small_blocks")
def test_a_search_of_some_blocks_finds_nearly_all_of_the_best(vectors):
    rows = np.arange(NUM_ITEMS, dtype=np.int32)
    index = ItemIndex(vectors, rows, num_searched=250)
    assert index.num_searched == 256
    queries = np.random.default_rng(1).normal(size=[50, WIDTH]).astype(np.float32)
    found = index.search(queries).numpy()
    best = np.argsort(-queries @ vectors.T, axis=1)[:, :10]
    kept = [np.isin(*pair).mean() for pair in zip(best, found, strict=True)]
    assert np.mean(kept) > 0.97  # Blocks taken at random would keep a quarter.


def test_items_that_are_alike_are_parted_too():
    rows = np.arange(1000, dtype=np.int32)
    index = ItemIndex(np.ones([1000, 2], np.float32), rows, num_searched=1000)
    found = index.search(np.ones([1, 2], np.float32)).numpy()
    assert sorted(found[found > 0]) == list(rows[1:])
