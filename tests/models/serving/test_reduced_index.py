import numpy as np
import pytest

from models.serving import reduced_index
from models.serving.reduced_index import ReducedIndex, find_directions

NUM_ITEMS, WIDTH = 1000, 12


@pytest.fixture(autouse=True)
def _few_directions_at_once(monkeypatch):
    monkeypatch.setattr(reduced_index, "_STEP", 2)
    monkeypatch.setattr(reduced_index, "_COST", 0)


@pytest.fixture(scope="module")
def queries():
    return np.random.default_rng(1).normal(size=[50, WIDTH]).astype(np.float32)


def vectors_of(*, fall, num_items=NUM_ITEMS):
    """Vectors that vary less from one direction to the next, turned at random."""
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=[num_items, WIDTH]) * fall ** np.arange(WIDTH)
    turned, _ = np.linalg.qr(chance.normal(size=[WIDTH, WIDTH]))
    return (vectors @ turned).astype(np.float32)


def share_found(vectors, queries, found, num_best):
    best = np.argsort(-queries @ vectors.T, axis=1)[:, :num_best]
    return np.mean([np.isin(*pair).mean() for pair in zip(best, found, strict=True)])


@pytest.mark.parametrize("num_items", [1, 7, 8, 9, 250])
@pytest.mark.parametrize("num_searched", [1, 5, 1000])
def test_a_search_in_all_directions_finds_the_best(
    monkeypatch, queries, num_items, num_searched
):
    monkeypatch.setattr(reduced_index, "_BLOCK", 100)
    table = vectors_of(fall=1.0, num_items=num_items + 3)
    rows = np.arange(3, num_items + 3, dtype=np.int32)
    everything = np.eye(WIDTH, dtype=np.float32)
    index = ReducedIndex(table, rows, everything, num_searched=num_searched)
    assert index.num_searched == min(num_searched, num_items)
    found = index.search(queries).numpy()
    for task, scores in zip(found, queries @ table[rows].T, strict=True):
        best = rows[np.argsort(-scores)[: index.num_searched]]
        known = task[task > 0]  # Padding, which scores 0, is found before what is less.
        assert len(known) >= min(len(best), (scores > 0.0).sum())
        assert len(known) == len(set(known))
        assert set(known) <= set(best)


def test_few_directions_find_nearly_all_of_the_best(queries):
    table = vectors_of(fall=0.6)
    rows = np.arange(NUM_ITEMS, dtype=np.int32)
    index = ReducedIndex.of_queries(table, rows, queries, num_best=10, num_searched=100)
    # 4 directions hold 98 % of what there is: (1 - 0.6 ** 8) / (1 - 0.6 ** 24).
    assert index.search(queries[:1]).shape == [1, 100]
    others = np.random.default_rng(2).normal(size=[50, WIDTH]).astype(np.float32)
    assert share_found(table, others, index.search(others).numpy(), 10) > 0.98


def test_as_few_directions_are_taken_as_are_needed(queries):
    def number(fall, num_searched, most=6):
        directions = find_directions(
            vectors_of(fall=fall),
            queries,
            most=most,
            num_best=10,
            num_searched=num_searched,
        )
        if directions is None:
            return None
        right_angles = directions.T @ directions
        np.testing.assert_allclose(right_angles, np.eye(len(right_angles)), atol=1e-5)
        return len(right_angles)

    assert [number(fall, 100) for fall in (0.1, 0.5, 1.0)] == [2, 4, None]
    assert [number(1.0, size) for size in (10, NUM_ITEMS)] == [None, 2]
    assert [number(0.5, 100, most=most) for most in (2, 3, 4)] == [None, None, 4]
    assert number(0.5, 20) > number(0.5, 500)


def test_a_sample_tells_how_many_directions_are_needed(monkeypatch, queries):
    monkeypatch.setattr(reduced_index, "_SAMPLE", 300)
    table, rows = vectors_of(fall=0.5), np.arange(1, NUM_ITEMS, dtype=np.int32)
    index = ReducedIndex.of_queries(table, rows, queries, num_best=10, num_searched=100)
    assert share_found(table[1:], queries, index.search(queries) - 1, 10) > 0.98
    flat = vectors_of(fall=1.0)
    assert not ReducedIndex.of_queries(
        flat, rows, queries, num_best=10, num_searched=10
    )


@pytest.mark.parametrize(("cost", "is_made"), [(0, True), (4, True), (8, False)])
def test_there_is_no_index_that_saves_no_time(monkeypatch, queries, cost, is_made):
    # Of 12 directions 4 are needed. With a cost of 4 the 100 items found are as 400 of
    # 1000 that are read, which leaves half of the directions; 8 leaves a fifth, 2.
    monkeypatch.setattr(reduced_index, "_COST", cost)
    rows = np.arange(NUM_ITEMS, dtype=np.int32)
    index = ReducedIndex.of_queries(
        vectors_of(fall=0.5), rows, queries, num_best=10, num_searched=100
    )
    assert (index is not None) == is_made
