import dataclasses

import numpy as np
import pytest
from made_pairs import rated_pairs

from models.evaluation.label_gain import LabelGain
from models.evaluation.metric import Metric
from pipeline.settings.user import metrics
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
    found = metrics_by_task(RICH)
    assert list(found) == [metric.name for metric in METRICS]
    expected = {
        # Errors of means: 1, -2, 0 and -1.5; of medians: 0, -2, 1 and 0.
        "mae": [1.0, np.nan, 1.5],
        "mae_median": [1.0, np.nan, 0.0],
        "rmse": [np.sqrt(5.0 / 3.0), np.nan, 1.5],
        # By gain the order is 5, 1, 3.
        "ndcg@1": [1.0, np.nan, np.nan],
        "ndcg@3": [(31.0 + DISCOUNT + 3.5) / BEST, np.nan, np.nan],
        "ndcg@5": [(31.0 + DISCOUNT + 3.5) / BEST, np.nan, np.nan],
        "log_loss": [1.2, np.nan, 0.5],
        "coverage@80": [0.5, np.nan, 1.0],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-6, err_msg=name)


def test_of_a_method_without_a_distribution_all_is_of_the_score():
    found = metrics_by_task(PLAIN)
    of_distribution = {"log_loss", "coverage@80"}
    names = [m.name for m in METRICS if m.name not in of_distribution]
    assert list(found) == names
    np.testing.assert_allclose(found["mae_median"], found["mae"])
    # By score the order is 3, 5, 1.
    np.testing.assert_allclose(found["ndcg@1"], [7.0 / 31.0, np.nan, np.nan])
    np.testing.assert_allclose(
        found["ndcg@3"], [(7.0 + 31.0 * DISCOUNT + 0.5) / BEST, np.nan, np.nan]
    )


@pytest.mark.parametrize("pairs", [PLAIN, RICH], ids=["plain", "rich"])
def test_metrics_that_are_asked_for_alone_are_the_same(pairs):
    names = ["ndcg@3", "mae"]
    found = metrics_by_task(pairs, names=names)
    assert set(found) == set(names)
    whole = metrics_by_task(pairs)
    for name, values in found.items():
        np.testing.assert_array_equal(values, whole[name])


def test_wide_labels_have_linear_gain_and_narrow_ones_have_it_beside():
    wide = dataclasses.replace(PLAIN, label_gain=LabelGain(0.0, 20.0))
    # Gains 3, 5 and 1 in the order 3, 5, 1.
    linear = (3.0 + 5.0 * DISCOUNT + 0.5) / (5.0 + 3.0 * DISCOUNT + 0.5)
    for name in ("ndcg@3", "ndcg_linear@3"):
        assert metrics_by_task(wide)[name][0] == pytest.approx(linear)
    # From 1 on, gains are 2, 4 and 0.
    narrow = (2.0 + 4.0 * DISCOUNT) / (4.0 + 2.0 * DISCOUNT)
    found = metrics_by_task(PLAIN)
    assert found["ndcg_linear@3"][0] == pytest.approx(narrow)
    assert found["ndcg@3"][0] != pytest.approx(narrow)


def test_a_metric_without_a_formula_is_refused_whatever_is_asked_for(monkeypatch):
    monkeypatch.setattr(metrics, "METRICS", (*METRICS, Metric("bias")))
    message = (
        "must have a formula in `metrics_by_task` of "
        "pipeline/settings/user/metrics.py, but 'bias' has none"
    )
    with pytest.raises(ValueError, match=message):
        metrics_by_task(PLAIN, names=["mae"])
