import json
import sys

import pytest

from cmml.evaluation import Evaluation


@pytest.fixture
def evaluation(experiment):
    return Evaluation(experiment.run_dir / "eval")


@pytest.fixture
def without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)


def read(evaluation, name):
    return json.loads((evaluation.directory / name).read_text(encoding="utf-8"))


def test_a_row_of_metrics_is_an_interval(evaluation, without_pandas):
    rows = evaluation.metrics
    stored = read(evaluation, "metrics.json")
    row = {"method": "cmml", "group": "cold", "metric": "mae"}
    assert row | stored["cmml"]["cold"]["mae"] in rows
    columns = ["method", "group", "metric", "mean", "low", "high", "num_tasks"]
    assert list(rows[0]) == columns
    assert {one["method"] for one in rows} == {
        "cmml",
        "closed_form",
        "support_mean",
        "bias_ridge",
    }


def test_a_row_of_differences_is_a_method_less_a_reference(evaluation, without_pandas):
    rows = evaluation.differences
    stored = read(evaluation, "differences.json")["differences"]
    assert rows == stored
    assert {row["metric"] for row in rows} > {"mae", "rmse"}


def test_the_table_has_a_row_a_method(evaluation, without_pandas):
    rows = evaluation.table
    assert [one["method"] for one in rows] == [
        "cmml",
        "closed_form",
        "support_mean",
        "bias_ridge",
    ]
    mean = read(evaluation, "metrics.json")["bias_ridge"]["cold"]["mae"]["mean"]
    assert rows[3]["cold mae"] == mean
    # Only CMML is asked with the support set of another task.
    assert len(rows[0]) > len(rows[1]) == len(rows[3])


@pytest.mark.parametrize("name", ["metrics", "differences", "table"])
def test_with_pandas_tables_are_data_frames(evaluation, monkeypatch, name):
    pandas = pytest.importorskip("pandas")
    frame = getattr(evaluation, name)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pandas", None)
        rows = getattr(evaluation, name)
    assert frame.equals(pandas.DataFrame(rows))


def test_it_shows_itself_as_the_command_prints_it(evaluation, experiment):
    assert evaluation.text in experiment.stdout
    assert str(evaluation) == evaluation._repr_markdown_() == evaluation.text
