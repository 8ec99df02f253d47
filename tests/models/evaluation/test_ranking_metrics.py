import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluation.ranking_metrics import (
    pair_mean,
    ranks_among,
    tie_keys,
    user_metrics,
)

CLICKS = st.sets(
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(1, 60)),
    min_size=1,
    max_size=60,
)


def metrics_of(clicks, num_tasks):
    """Metrics of (task, user, rank) triples."""
    task, user, rank = zip(*clicks, strict=True)
    return user_metrics(task, user, rank, num_tasks=num_tasks)


# Scenario 0: user 7 has clicks on ranks 1 and 12, user 8 one on rank 6. Scenario 1 has
# none. Scenario 2: user 7 has one on rank 25.
WORKED = metrics_of([(0, 7, 12), (0, 8, 6), (2, 7, 25), (0, 7, 1)], num_tasks=3)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("recall@5", [1 / 2, 0, 0]),
        ("recall@10", [1 / 2, 1, 0]),
        ("recall@20", [1, 1, 0]),
        ("recall@50", [1, 1, 1]),
        # Gains 1 at rank 1, 1 / log2(13) = 0.27024 at 12, 1 / log2(7) = 0.35621 at 6
        # and 1 / log2(26) = 0.21275 at 25; the best for two clicks is
        # 1 + 1 / log2(3) = 1.63093.
        ("ndcg@10", [1 / 1.63093, 0.35621, 0]),
        ("ndcg@20", [1.27024 / 1.63093, 0.35621, 0]),
        ("ndcg", [1.27024 / 1.63093, 0.35621, 0.21275]),
        ("mrr", [1, 1 / 6, 1 / 25]),
    ],
)
def test_a_worked_case(name, values):
    np.testing.assert_array_equal(WORKED.task, [0, 0, 2])
    np.testing.assert_allclose(WORKED.values[name], values, atol=1e-5)


def test_the_mean_of_a_scenario_is_over_its_users():
    # (1 / 2 + 1) / 2 in scenario 0; nobody in scenario 1.
    np.testing.assert_allclose(
        WORKED.by_scenario()["recall@10"], [3 / 4, np.nan, 0], rtol=1e-12
    )


def test_the_ideal_of_a_cutoff_has_no_more_clicks_than_fit():
    found = metrics_of([(0, 1, rank) for rank in range(1, 13)], num_tasks=1).values
    assert found["ndcg@10"] == pytest.approx(1.0)
    assert found["ndcg"] == pytest.approx(1.0)
    assert found["recall@10"] == pytest.approx(10 / 12)


@settings(deadline=None, max_examples=50)
@given(CLICKS)
def test_metrics_are_those_of_a_slow_count(clicks):
    clicks = sorted(clicks, key=lambda click: click[2])
    found = metrics_of(clicks, num_tasks=4)
    users = sorted({(task, user) for task, user, _ in clicks})
    assert found.task.tolist() == [task for task, _ in users]
    for place, pair in enumerate(users):
        ranks = {rank for task, user, rank in clicks if (task, user) == pair}
        for k in (5, 10, 20, 50):
            recall = len(ranks & set(range(1, k + 1))) / len(ranks)
            assert found.values[f"recall@{k}"][place] == pytest.approx(recall)
        for name, k in (("ndcg@10", 10), ("ndcg@20", 20), ("ndcg", 60)):
            dcg = sum(1 / np.log2(r + 1) for r in range(1, k + 1) if r in ranks)
            best = sum(1 / np.log2(r + 1) for r in range(1, min(len(ranks), k) + 1))
            assert found.values[name][place] == pytest.approx(dcg / best)
        assert found.values["mrr"][place] == pytest.approx(1 / min(ranks))


def test_the_pair_mean_counts_every_user_alike_and_resamples_scenarios():
    # Scenario 0: one user who is found. Scenario 1: three who are not. Of both 1 / 4;
    # a quarter of the resamples is scenario 0 twice, another quarter scenario 1 twice.
    clicks = [(0, 1, 1), (1, 1, 40), (1, 2, 40), (1, 3, 40)]
    found = pair_mean(metrics_of(clicks, num_tasks=3), "recall@20", seed=0)
    assert (found.mean, found.low, found.high) == (0.25, 0.0, 1.0)


def test_users_of_one_scenario_are_no_independent_witnesses():
    clicks = [(0, user, 1 + 30 * (user % 2)) for user in range(10)]
    found = pair_mean(metrics_of(clicks, num_tasks=1), "recall@20", seed=0)
    assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)


def test_refuses_a_rank_below_1():
    with pytest.raises(ValueError, match="ranks must be at least 1, got 0"):
        user_metrics([0], [1], [0], num_tasks=1)


SCORES = np.array([[3.0, 1.0, 3.0, 9.0], [0.0, 2.0, 1.0, 2.0]])
IS_CANDIDATE = np.array([[True, True, True, False], [True, True, True, True]])
KEYS = np.array([[5, 1, 4, 0], [0, 1, 2, 3]], np.uint64)


def test_ranks_are_among_candidates_and_keys_order_equal_scores():
    # User 0: item 3 is no candidate; items 0 and 2 are equal, and item 2 has the
    # smaller key. User 1: items 1 and 3 are equal, item 1 comes first.
    row, column = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 3])
    ranks = ranks_among(SCORES, IS_CANDIDATE, KEYS, row, column)
    np.testing.assert_array_equal(ranks, [2, 3, 1, 4, 1, 2])


def test_only_candidates_need_a_score():
    place = np.array([0])
    scores = np.where(IS_CANDIDATE, SCORES, np.nan)
    assert ranks_among(scores, IS_CANDIDATE, KEYS, place, place) == [2]
    scores[1, 2] = np.nan
    with pytest.raises(ValueError, match="scores of candidates must be numbers"):
        ranks_among(scores, IS_CANDIDATE, KEYS, place, place)


def test_the_order_of_equal_scores_depends_on_seed_scenario_user_and_item_alone():
    users, items = np.arange(1, 9), np.arange(1, 21)
    keys = tie_keys(3, 77, users, items)
    np.testing.assert_array_equal(
        tie_keys(3, 77, users[[6, 2]], items[5:9]), keys[[6, 2], 5:9]
    )
    assert np.unique(keys).size == keys.size
    for other in (tie_keys(4, 77, users, items), tie_keys(3, 78, users, items)):
        assert not np.intersect1d(keys, other).size


def test_equal_scores_come_in_any_order_alike():
    # The rank of each of 8 tied items is uniform on 1..8: mean 4.5, and the mean over
    # 4,000 users has a standard deviation of sqrt(63 / 12 / 4000) = 0.036.
    users, items = np.arange(4000), np.arange(1, 9)
    keys = tie_keys(0, 1, users, items)
    mean_ranks = (np.argsort(np.argsort(keys, axis=1), axis=1) + 1).mean(axis=0)
    np.testing.assert_allclose(mean_ranks, 4.5, atol=0.18)
