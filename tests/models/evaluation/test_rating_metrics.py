import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from models.evaluation import rating_metrics as metrics
from models.evaluation.label_gain import LabelGain

ALL = [[True, True, True]]
GAIN = LabelGain(0.0, 5.0).of  # 2 ** label - 1.
ndcg = functools.partial(metrics.ndcg, gain=GAIN)
MEASURES = {
    "mae": metrics.mae,
    "rmse": metrics.rmse,
    "ndcg@3": functools.partial(ndcg, k=3),
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

    return dcg(by_score) / dcg(by_label) if len(set(labels)) > 1 else float("nan")


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
    np.testing.assert_allclose(ndcg(labels, scores, ALL, k=1), [1.0 / 3.0])
    np.testing.assert_allclose(
        ndcg(labels, scores, ALL, k=3), [2.5 / (3.0 + 1.0 / np.log2(3.0))]
    )


@pytest.mark.parametrize("k", [1, 3, 5, 100])
def test_a_perfect_ranking_gives_one(k):
    labels = [[5.0, 1.0, 3.0]]
    np.testing.assert_allclose(ndcg(labels, labels, ALL, k=k), [1.0])


@pytest.mark.parametrize("label", [0.0, 3.0])
def test_a_task_that_cannot_tell_methods_apart_has_no_ndcg(label):
    labels = [[label, label], [1.0, 0.0], [label, 0.0]]
    present = [[True, True], [True, True], [True, False]]  # The last has one pair.
    values = ndcg(labels, [[1, 2], [2, 1], [1, 2]], present, k=1)
    np.testing.assert_array_equal(values, [np.nan, 1.0, np.nan])


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


def test_a_constant_has_the_expectation_over_all_orders():
    # Gains 7, 1 and 0 on ranks of discounts 1, d = 1 / log2(3) and 1 / 2, each gain on
    # each rank alike.
    labels, scores, d = [[3.0, 1.0, 0.0]], [[2.0, 2.0, 2.0]], 1.0 / np.log2(3.0)
    np.testing.assert_allclose(ndcg(labels, scores, ALL, k=1), [8.0 / 3.0 / 7.0])
    expected = 8.0 * (1.0 + d) / 3.0 / (7.0 + d)
    np.testing.assert_allclose(ndcg(labels, scores, ALL, k=2), [expected])


@settings(max_examples=30, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=2, max_size=6
    ),
    k=st.integers(1, 7),
)
def test_ties_have_the_mean_of_all_their_orders(pairs, k):
    labels, scores = (list(column) for column in zip(*pairs, strict=True))
    size = len(pairs)
    orders = [
        slow_ndcg(labels, [(s, place) for s, place in zip(scores, p, strict=True)], k)
        for p in itertools.permutations(range(size))
    ]
    found = ndcg([labels], [scores], np.ones([1, size], bool), k=k)
    np.testing.assert_allclose(found, [np.mean(orders)])


def test_a_row_keeps_its_value_in_any_batch():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 6, [50, 8]).astype(float)
    scores = rng.integers(0, 3, [50, 8]).astype(float)
    present = np.ones([50, 8], bool)
    part = slice(20, 30)
    np.testing.assert_array_equal(
        ndcg(labels[part], scores[part], present[part], k=3),
        ndcg(labels, scores, present, k=3)[part],
    )


@settings(max_examples=50, deadline=None)
@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    k=st.integers(1, 15),
    seed=st.integers(0, 1000),
)
def test_agrees_with_a_slow_implementation(labels, k, seed):
    scores = np.random.default_rng(seed).permutation(len(labels)).astype(float)
    present = np.ones([1, len(labels)], bool)
    fast = ndcg([labels], [scores], present, k=k)
    np.testing.assert_allclose(fast, [slow_ndcg(labels, list(scores), k)])


@pytest.mark.parametrize("k", [1, 3, 5])
def test_ndcg_agrees_with_scikit_learn(k):
    rng = np.random.default_rng(k)
    labels = rng.integers(0, 6, [20, 8]).astype(float)
    scores = rng.normal(size=[20, 8])
    scores[2:10] = rng.integers(0, 2, [8, 8])  # Ties, which it averages too.
    labels[0], labels[1] = 3.0, 0.0  # All alike: it says 1 and 0.
    found = ndcg(labels, scores, np.ones([20, 8], bool), k=k)
    # There gains are the labels themselves, here 2 ** label - 1.
    expected = [
        ndcg_score([2.0**true - 1.0], [score], k=k)
        for true, score in zip(labels, scores, strict=True)
    ]
    expected[:2] = [np.nan, np.nan]
    np.testing.assert_allclose(found, expected)


def test_refuses_arrays_of_different_shapes():
    with pytest.raises(ValueError, match=r"one shape \[T, Q\], got .*\(1, 3\)"):
        metrics.mae([[1.0]], [[1.0]], ALL)


def test_refuses_values_that_have_no_metric():
    with pytest.raises(ValueError, match=r"scores of real pairs .* got nan"):
        metrics.mae([[1.0]], [[np.nan]], [[True]])
    with pytest.raises(ValueError, match=r"at least 0 for ndcg, got -1\.0"):
        ndcg([[-1.0]], [[1.0]], [[True]], k=1, gain=lambda labels: labels)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        ndcg([[1.0]], [[1.0]], [[True]], k=0)
