import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from models.evaluation import rating_metrics as metrics

ALL = [[True, True, True]]
MEASURES = {
    "mae": metrics.mae,
    "rmse": metrics.rmse,
    "ndcg@3": functools.partial(metrics.ndcg, k=3),
}


def slow_ndcg(labels, scores, k):
    """One task without ties or padding, in plain Python."""
    by_score = [label for _, label in sorted(zip(scores, labels, strict=True))[::-1]]
    by_label = sorted(labels, reverse=True)

    def dcg(ranked):
        return sum(
            (2**label - 1) / np.log2(place + 2)
            for place, label in enumerate(ranked[:k])
        )

    return dcg(by_score) / dcg(by_label) if dcg(by_label) else float("nan")


def test_errors_of_two_tasks_by_hand():
    labels = [[3.0, 5.0, 1.0], [4.0, 0.0, 0.0]]
    scores = [[4.0, 3.0, 1.0], [2.5, 9.0, 9.0]]
    present = [[True, True, True], [True, False, False]]
    # Errors: 1, -2, 0 and -1.5. MAE 3/3 and 1.5; RMSE sqrt(5/3) and 1.5.
    np.testing.assert_allclose(metrics.mae(labels, scores, present), [1.0, 1.5])
    np.testing.assert_allclose(
        metrics.rmse(labels, scores, present), [np.sqrt(5.0 / 3.0), 1.5]
    )


def test_ndcg_by_hand():
    labels, scores = [[1.0, 2.0, 0.0]], [[0.9, 0.5, 0.7]]
    # Gains 1, 3, 0, ranked by score: 1, 0, 3. Discounts 1, 1/log2(3), 1/2.
    # DCG@1 = 1 of an ideal 3. DCG@3 = 1 + 0 + 1.5 = 2.5; ideal 3 + 1/log2(3).
    np.testing.assert_allclose(metrics.ndcg(labels, scores, ALL, k=1), [1.0 / 3.0])
    np.testing.assert_allclose(
        metrics.ndcg(labels, scores, ALL, k=3), [2.5 / (3.0 + 1.0 / np.log2(3.0))]
    )


@pytest.mark.parametrize("k", [1, 3, 5, 100])
def test_a_perfect_ranking_gives_one(k):
    labels = [[5.0, 1.0, 3.0]]
    np.testing.assert_allclose(metrics.ndcg(labels, labels, ALL, k=k), [1.0])


def test_a_task_whose_labels_are_all_zero_has_no_ndcg():
    values = metrics.ndcg([[0.0, 0.0], [1.0, 0.0]], [[1, 2], [2, 1]], [[1, 1]] * 2, k=1)
    np.testing.assert_array_equal(values, [np.nan, 1.0])


def test_a_task_without_pairs_has_no_metric():
    for name, measure in MEASURES.items():
        assert np.isnan(measure([[3.0]], [[3.0]], [[False]])).all(), name


def test_padding_does_not_change_a_metric():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 6, [4, 6]).astype(float)
    scores = rng.integers(0, 2, [4, 6]).astype(float)  # Ties in every task.
    present = np.arange(6) < np.array([[6], [3], [1], [5]])
    padding = [(0, 0), (0, 3)]
    padded = (
        np.pad(labels, padding, constant_values=np.nan),
        np.pad(scores, padding, constant_values=99.0),
        np.pad(present, padding),
    )
    for name, measure in MEASURES.items():
        alone = measure(labels, scores, present)
        np.testing.assert_allclose(measure(*padded), alone, err_msg=name)


def test_ties_fall_alike_in_any_batch():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 6, [50, 8]).astype(float)
    scores, present, ids = np.zeros([50, 8]), np.ones([50, 8], bool), np.arange(50) + 7
    whole = metrics.ndcg(labels, scores, present, k=1, task_ids=ids)
    part = slice(20, 30)
    np.testing.assert_array_equal(
        metrics.ndcg(
            labels[part], scores[part], present[part], k=1, task_ids=ids[part]
        ),
        whole[part],
    )


def test_ties_are_random_and_seeded():
    # The one positive comes first; with equal scores it is on top of 1 task in 4.
    labels = np.tile([1.0, 0.0, 0.0, 0.0], [4000, 1])
    scores, present = np.zeros_like(labels), np.ones_like(labels, bool)
    first = metrics.ndcg(labels, scores, present, k=1, seed=1)
    again = metrics.ndcg(labels, scores, present, k=1, seed=1)
    other = metrics.ndcg(labels, scores, present, k=1, seed=2)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    # Standard error sqrt(0.25 * 0.75 / 4000) = 0.007.
    assert abs(first.mean() - 0.25) < 0.03


@settings(max_examples=50, deadline=None)
@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    k=st.integers(1, 15),
    seed=st.integers(0, 1000),
)
def test_agrees_with_a_slow_implementation(labels, k, seed):
    scores = np.random.default_rng(seed).permutation(len(labels)).astype(float)
    present = np.ones([1, len(labels)], bool)
    fast = metrics.ndcg([labels], [scores], present, k=k)
    np.testing.assert_allclose(fast, [slow_ndcg(labels, list(scores), k)])


@pytest.mark.parametrize("k", [1, 3, 5])
def test_ndcg_agrees_with_scikit_learn(k):
    rng = np.random.default_rng(k)
    labels = rng.integers(0, 6, [20, 8]).astype(float)
    scores = rng.normal(size=[20, 8])
    labels[0], labels[1] = 3.0, 0.0  # All alike; without any gain there is no ideal.
    found = metrics.ndcg(labels, scores, np.ones([20, 8], bool), k=k)
    # There gains are the labels themselves, here 2 ** label - 1.
    expected = [
        ndcg_score([2.0**true - 1.0], [score], k=k)
        for true, score in zip(labels, scores, strict=True)
    ]
    expected[1] = np.nan
    np.testing.assert_allclose(found, expected)


def test_refuses_arrays_of_different_shapes():
    with pytest.raises(ValueError, match=r"one shape \[T, Q\], got .*\(1, 3\)"):
        metrics.mae([[1.0]], [[1.0]], ALL)
    with pytest.raises(ValueError, match=r"each of the 1 tasks, got shape \(2,\)"):
        metrics.ndcg([[1.0]], [[1.0]], [[True]], k=1, task_ids=[1, 2])


def test_refuses_values_that_have_no_metric():
    with pytest.raises(ValueError, match=r"scores of real pairs .* got nan"):
        metrics.mae([[1.0]], [[np.nan]], [[True]])
    with pytest.raises(ValueError, match=r"at least 0 for ndcg, got -1\.0"):
        metrics.ndcg([[-1.0]], [[1.0]], [[True]], k=1)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        metrics.ndcg([[1.0]], [[1.0]], [[True]], k=0)
