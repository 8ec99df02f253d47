import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluation.ranking_metrics import pair_mean, ranks_among, user_metrics

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
    with pytest.raises(ValueError, match="numbers of ties must be at least 1, got 0"):
        user_metrics([0], [1], [1], num_tasks=1, num_tied=[0])


SCORES = np.array([[3.0, 1.0, 3.0, 9.0], [0.0, 2.0, 1.0, 2.0]])
IS_CANDIDATE = np.array([[True, True, True, False], [True, True, True, True]])


def test_ranks_are_among_candidates_and_equal_scores_share_them():
    # User 0: item 3 is no candidate; items 0 and 2 are equal. User 1: so are 1 and 3.
    row, column = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 3])
    ranks, num_tied = ranks_among(SCORES, IS_CANDIDATE, row, column)
    np.testing.assert_array_equal(ranks, [1, 3, 1, 4, 1, 1])
    np.testing.assert_array_equal(num_tied, [2, 1, 2, 1, 2, 2])


def test_only_candidates_need_a_score():
    place = np.array([0])
    scores = np.where(IS_CANDIDATE, SCORES, np.nan)
    assert ranks_among(scores, IS_CANDIDATE, place, place)[0] == [1]
    scores[1, 2] = np.nan
    with pytest.raises(ValueError, match="scores of candidates must be numbers"):
        ranks_among(scores, IS_CANDIDATE, place, place)


@settings(deadline=None, max_examples=50)
@given(
    scores=st.lists(st.integers(0, 2), min_size=2, max_size=6),
    num_clicks=st.integers(1, 5),
)
def test_ties_have_the_mean_of_all_their_orders(scores, num_clicks):
    size = len(scores)
    clicks = np.arange(min(num_clicks, size - 1))
    row, everyone = np.zeros_like(clicks), np.ones([1, size], bool)
    rank, num_tied = ranks_among(np.array([scores]), everyone, row, clicks)
    found = user_metrics(
        *(row, row, rank), num_tasks=1, num_tied=num_tied, num_candidates=size
    ).values
    orders = []
    for order in itertools.permutations(range(size)):
        keys = np.lexsort([order, -np.array(scores)])
        ranks = np.argsort(keys)[clicks] + 1
        orders.append(user_metrics(row, row, ranks, num_tasks=1).values)
    for name in ("ndcg@10", "ndcg", "mrr"):
        mean = np.mean([values[name] for values in orders])
        assert found[name][0] == pytest.approx(mean), name
    if size > 5:
        mean = np.mean([values["recall@5"] for values in orders])
        assert found["recall@5"][0] == pytest.approx(mean)


def test_a_pool_that_cannot_tell_methods_apart_has_no_value():
    # User 1 has 5 candidates, user 2 has 6, and user 3 has clicked all of 2.
    clicks = [(0, 1, 3), (0, 2, 6), (1, 3, 1), (1, 3, 2)]
    task, user, rank = zip(*clicks, strict=True)
    found = user_metrics(*(task, user, rank), num_tasks=3, num_candidates=[5, 6, 2, 2])
    np.testing.assert_array_equal(found.values["recall@5"], [np.nan, 0.0, np.nan])
    np.testing.assert_array_equal(found.by_scenario()["recall@5"], [0.0, *[np.nan] * 2])
    np.testing.assert_allclose(found.values["mrr"], [1 / 3, 1 / 6, np.nan])
    # Of scenario 1 there is no user left.
    assert pair_mean(found, "mrr", seed=0).num_tasks == 1
    assert pair_mean(found, "recall@50", seed=0).num_tasks == 0
