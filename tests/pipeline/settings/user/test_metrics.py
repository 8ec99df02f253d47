import numpy as np
import pytest
from made_pairs import rated_pairs

from pipeline.settings.user.metrics import METRICS, metrics_by_task

LABELS, SCORES = [[3.0, 5.0, 1.0], [], [4.0]], [[4.0, 3.0, 1.0], [], [2.5]]
PLAIN = rated_pairs(LABELS, SCORES)
RICH = rated_pairs(
    LABELS,
    SCORES,
    median=[[3.0, 3.0, 2.0], [], [4.0]],
    gain=[[0.1, 0.9, 0.2], [], [0.5]],
    log_likelihood=[[-1.0, -2.0, -0.6], [], [-0.5]],
    coverage=[[1.0, 0.5, 0.0], [], [1.0]],
)
# Gains of the labels 3, 5 and 1 are 7, 31 and 1; discounts 1, 1 / log2(3) and 1 / 2.
DISCOUNT = 1.0 / np.log2(3.0)
BEST = 31.0 + 7.0 * DISCOUNT + 0.5


def test_every_metric_of_a_distribution_is_of_the_statistic_it_asks_for():
    found = metrics_by_task(RICH, seed=0)
    assert list(found) == [metric.name for metric in METRICS]
    expected = {
        # Errors of means: 1, -2, 0 and -1.5; of medians: 0, -2, 1 and 0.
        "mae": [1.0, np.nan, 1.5],
        "mae_median": [1.0, np.nan, 0.0],
        "rmse": [np.sqrt(5.0 / 3.0), np.nan, 1.5],
        # By gain the order is 5, 1, 3.
        "ndcg@1": [1.0, np.nan, 1.0],
        "ndcg@3": [(31.0 + DISCOUNT + 3.5) / BEST, np.nan, 1.0],
        "ndcg@5": [(31.0 + DISCOUNT + 3.5) / BEST, np.nan, 1.0],
        "log_loss": [1.2, np.nan, 0.5],
        "coverage@80": [0.5, np.nan, 1.0],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)


def test_of_a_method_without_a_distribution_all_is_of_the_score():
    found = metrics_by_task(PLAIN, seed=0)
    of_distribution = {"log_loss", "coverage@80"}
    names = [m.name for m in METRICS if m.name not in of_distribution]
    assert list(found) == names
    np.testing.assert_allclose(found["mae_median"], found["mae"])
    # By score the order is 3, 5, 1.
    np.testing.assert_allclose(found["ndcg@1"], [7.0 / 31.0, np.nan, 1.0])
    np.testing.assert_allclose(
        found["ndcg@3"], [(7.0 + 31.0 * DISCOUNT + 0.5) / BEST, np.nan, 1.0]
    )


@pytest.mark.parametrize("pairs", [PLAIN, RICH], ids=["plain", "rich"])
def test_metrics_that_are_asked_for_alone_are_the_same(pairs):
    names = ["ndcg@3", "mae"]
    found = metrics_by_task(pairs, seed=0, names=names)
    assert set(found) == set(names)
    whole = metrics_by_task(pairs, seed=0)
    for name, values in found.items():
        np.testing.assert_array_equal(values, whole[name])


def test_ties_depend_on_the_seed_and_the_user_alone():
    alike = [[0.0] * 8] * 30
    labels = np.random.default_rng(0).integers(1, 6, [30, 8]).astype(float).tolist()
    pairs = rated_pairs(labels, alike)
    first, again, other = (
        metrics_by_task(given, seed=seed, names=["ndcg@1"])["ndcg@1"]
        for given, seed in ((pairs, 1), (pairs, 1), (pairs, 2))
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    some = pairs.of_tasks(np.arange(30) >= 20)
    of_some = metrics_by_task(some, seed=1, names=["ndcg@1"])["ndcg@1"]
    np.testing.assert_array_equal(of_some[20:], first[20:])
