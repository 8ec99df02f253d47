import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipeline.reports.run.scored_rows import ScoredRows

from models.evaluation.intervals import Interval
from pipeline.reports.run.evaluated_run import Metric, read_rows


@pytest.mark.parametrize(
    ("direction", "low", "high", "better"),
    [(-1, -2.0, -1.0, True), (1, -2.0, -1.0, False), (1, -2.0, 1.0, None)],
)
def test_a_difference_is_better_in_the_direction_of_the_metric(
    direction, low, high, better
):
    gap = Interval((low + high) / 2, low, high)
    assert Metric("m", "", direction).is_better(gap) is better


def test_the_strongest_baseline_has_the_best_mean_of_the_main_group(
    make_rows, make_run
):
    run = make_run(
        {
            "cmml": {"cold": make_rows(0.1, 8)},
            "weak": {"cold": make_rows(0.9, 8)},
            "strong": {"cold": make_rows(0.5, 8)},
        }
    )
    assert run.strongest == "strong"
    assert run.less_strongest.mean == pytest.approx(-0.4)


def test_without_baselines_there_is_no_difference(make_rows, make_run):
    run = make_run({"cmml": {"cold": make_rows(0.1, 8)}})
    assert run.strongest is None
    assert run.less_strongest is None


def test_support_sets_that_were_not_scored_are_absent(make_rows, make_run):
    groups = {"cold": make_rows(0.5, 8), "cold/other_support": make_rows(0.7, 8)}
    found = make_run({"cmml": groups}).support_sets()
    assert {kind: values[0] for kind, values in found.items()} == {
        "own": 0.5,
        "other": 0.7,
    }


def write(path, groups):
    names = ["method", "group", "task_id", "value"]
    pq.write_table(
        pa.table(dict(zip(names, zip(*groups, strict=True), strict=True))), path
    )


def to_rows(table, task):
    zeros = np.zeros(len(task), int)
    values = table["value"].to_numpy()
    return ScoredRows(task, zeros, zeros, zeros, values, {})


def test_groups_of_several_files_are_read_and_the_first_counts(tmp_path):
    write(tmp_path / "a", [("cmml", "cold", "u", 1.0), ("knn", "cold", "v", 2.0)])
    write(tmp_path / "b", [("cmml", "cold", "u", 9.0), ("cmml", "other", "v", 3.0)])
    ids, found = read_rows([tmp_path / "a", tmp_path / "b"], to_rows)
    assert ids == ["u", "v"]
    assert found["cmml"]["cold"].value.tolist() == [1.0]
    assert found["cmml"]["other"].task.tolist() == [1]
    assert found["knn"]["cold"].value.tolist() == [2.0]
