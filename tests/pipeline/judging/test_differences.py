import json

import numpy as np
import pytest

from models.evaluation.intervals import Interval, paired_difference
from models.evaluation.metric import Metric
from pipeline.judging.differences import (
    Contrast,
    read_differences,
    take_differences,
    write_differences,
)
from transforms.schema import DataError

METRICS = [
    Metric("mae", unit="stars", higher_is_better=False),
    Metric("ndcg@1"),
    Metric("coverage@80", target=0.8),
]
MAE = Contrast("mae", "cmml", "cold", "ridge", "cold")
NDCG = MAE._replace(metric="ndcg@1")
DIFFERENCES = {
    MAE: Interval(-0.25, -0.5, 0.0, 7),
    NDCG: Interval(0.5, 0.25, 0.75, 6),
}


def take(contrasts, by_method):
    """Differences of values by method and metric, all of the group "cold"."""
    by_task = {
        method: {"cold": {name: np.array(one) for name, one in values.items()}}
        for method, values in by_method.items()
    }
    return take_differences(contrasts, by_task, 0, 100)


def test_a_task_without_a_value_is_left_out_of_a_difference():
    values = {"cmml": [1.0, np.nan, 4.0], "ridge": [2.0, 2.0, np.nan]}
    found = take([MAE], {method: {"mae": one} for method, one in values.items()})
    # Of the first task alone: 1 less 2.
    assert found == {MAE: Interval(-1.0, -1.0, -1.0, 1)}


def test_what_no_task_has_both_values_of_is_left_out():
    values = {
        "cmml": {"mae": [1.0, np.nan], "ndcg@1": [0.5, 0.5]},
        "ridge": {"mae": [np.nan, 1.0]},
    }
    assert take([MAE, NDCG], values) == {}
    assert take([], values) == {}


def test_each_contrast_is_taken_once_and_as_if_alone():
    rng = np.random.default_rng(0)
    values = {
        method: {name: rng.normal(size=20) for name in ("mae", "ndcg@1")}
        for method in ("cmml", "ridge")
    }
    found = take([NDCG, MAE, NDCG], values)
    assert list(found) == [NDCG, MAE]
    for contrast in found:
        pair = (values[method][contrast.metric] for method in ("cmml", "ridge"))
        assert found[contrast] == paired_difference(*pair, 0, 100)


def test_the_file_has_one_form_and_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "differences.json"
    write_differences(path, METRICS, DIFFERENCES)
    assert read_differences(path) == DIFFERENCES
    values = json.loads(path.read_text(encoding="utf-8"))
    assert list(values) == [
        *("format_version", "metric", "higher_is_better", "differences")
    ]
    assert values["format_version"] == 2
    assert values["metric"] == "mae"
    assert values["higher_is_better"] == {"mae": False, "ndcg@1": True}
    assert values["differences"][0] == {
        "metric": "mae",
        "method": "cmml",
        "group": "cold",
        "reference": "ridge",
        "reference_group": "cold",
        "num_tasks": 7,
        "mean": -0.25,
        "low": -0.5,
        "high": 0.0,
    }


def test_a_file_of_another_format_is_refused(tmp_path):
    path = tmp_path / "differences.json"
    path.write_text(json.dumps({"format_version": 1, "differences": []}))
    with pytest.raises(DataError, match="format_version must be 2, got 1: run `cmml"):
        read_differences(path)
