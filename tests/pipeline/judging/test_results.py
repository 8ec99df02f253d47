import numpy as np

from models.evaluation.metric import Metric
from pipeline.judging.results import MethodResult, Setup


def test_a_task_counts_with_the_mean_of_its_seeds():
    values = {"cold": {"mae": np.array([[1.0, 4.0, np.nan], [2.0, 0.0, np.nan]])}}
    result = MethodResult("cmml", "cmml", {}, values)
    np.testing.assert_array_equal(result.by_task("cold", "mae"), [1.5, 2.0, np.nan])
    assert result.by_task("cold", "rmse") is None
    assert result.by_task("warm", "mae") is None


def test_the_first_group_and_the_first_metric_decide():
    groups = {"cold": "a", "warm": "b"}
    metrics = [Metric("mae", higher_is_better=False), Metric("rmse")]
    setup = Setup("x", "user", "meta_test", metrics, groups, (0,), 3)
    assert setup.main_group == "cold"
    assert (setup.metric, setup.primary) == (metrics[0], "mae")
