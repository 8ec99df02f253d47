import json

import numpy as np
import pytest

from models.evaluation.intervals import Interval
from pipeline.reports.run.evaluated_run import read_summary


def test_the_strongest_baseline_has_the_best_mean_of_the_main_group(rated, make_run):
    run = make_run(
        {
            "cmml": {"cold": rated(0.1, 8)},
            "weak": {"cold": rated(0.9, 8)},
            "strong": {"cold": rated(0.5, 8)},
        }
    )
    assert run.strongest == "strong"
    assert run.less_strongest.mean == pytest.approx(-0.4)


def test_more_clicks_found_are_better(clicked, make_run):
    run = make_run(
        {
            "cmml": {"scenario_mean": clicked(4, 8)},
            "weak": {"scenario_mean": clicked(1, 8)},
            "strong": {"scenario_mean": clicked(3, 8)},
        }
    )
    assert run.strongest == "strong"
    assert run.less_strongest.mean == pytest.approx(0.2)


def test_without_baselines_there_is_no_difference(rated, make_run):
    run = make_run({"cmml": {"cold": rated(0.1, 8)}})
    assert run.strongest is None
    assert run.less_strongest is None


def test_support_sets_that_were_not_scored_are_absent(rated, make_run):
    groups = {"cold": rated(0.5, 8), "cold/other_support": rated(0.75, 8)}
    support_sets = make_run({"cmml": groups}).support_sets()
    assert {kind: values[0] for kind, values in support_sets.items()} == {
        "own": 0.5,
        "other": 0.75,
    }


def test_support_sets_are_compared_over_the_users_of_fewer_pairs(clicked, make_run):
    groups = {
        "scenario_mean": clicked(5, 40),
        "scenario_mean/own_support": clicked(4, 40),
        "scenario_mean/support_0": clicked(2, 0),
        "scenario_mean/other_support": clicked(1, 40),
    }
    support_sets = make_run({"cmml": groups}).support_sets()
    assert {kind: values[0] for kind, values in support_sets.items()} == {
        "own": 0.8,
        "none": 0.4,
        "other": 0.2,
    }


def test_tasks_without_a_pair_in_a_group_have_no_metric(rated, make_run):
    pairs = rated(0.5, 8).of_tasks(np.arange(40) > 0)
    values = make_run({"cmml": {"cold": pairs}}).by_task("cmml", "cold")
    assert np.isnan(values[0])
    assert (values[1:] == 0.5).all()


def test_a_summary_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "metrics.json"
    value = {"mean": 0.5, "low": 0.25, "high": 0.75}
    path.write_text(json.dumps({"cmml": {"cold": {"mae": value}}}))
    assert read_summary(path) == {"cmml": {"cold": {"mae": Interval(0.5, 0.25, 0.75)}}}
