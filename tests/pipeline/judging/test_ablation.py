import dataclasses
import json

import numpy as np
import pytest
from made_outcomes import FAILED, make_outcome, make_summary, make_tables, summary_of

from models.whole_files import finite
from pipeline.judging.ablation import Outcome, summarise
from pipeline.judging.variant_grid import Table, Variant
from pipeline.settings.scenario import metrics as scenario_metrics


@pytest.fixture(scope="module")
def summary():
    return make_summary(make_tables())


def test_figures_are_drawn_together_over_seeds_and_tasks(summary):
    dot = summary.variants["Both"]["PE, dot"]
    # Tasks: (1 + 3) / 2 and (3 + 5) / 2, so 2 and 4.
    assert dot.metrics["mae"].mean == 3.0
    assert dot.metrics["ndcg@3"].mean == 0.5
    # Seeds: 2 and 4, whose standard deviation is sqrt(2).
    assert dot.seed_deviation == pytest.approx(2.0**0.5)
    # (2 - 4 + 4 - 5) / 2; (9 - 2 + 9 - 4) / 2.
    assert dot.less_reference.mean == -1.5
    assert dot.less_first.mean == 0.0  # It is the first.
    assert dot.other_support.mean == 6.0
    assert dot.no_support.mean == 5.0
    assert (dot.tasks_per_s, dot.num_parameters) == (20.0, 1234)
    assert dot.runs == ("a", "b")
    assert (summary.num_tasks, summary.seeds) == (2, (0, 1))


def test_a_variant_that_failed_says_why(summary):
    assert summary.variants["Both"]["PE, mlp"] == "seed 1: not\nfinite"


def test_variants_are_held_against_the_first_of_their_table():
    seeds = {0: None}
    names = ("first", "other")
    table = Table("Rows", [Variant(name, "", seeds) for name in names], [])
    outcomes = {
        ("Rows", "first"): [make_outcome([1.0, 2.0])],
        ("Rows", "other"): [make_outcome([1.5, 3.5])],
    }
    first, other = summary_of([table], outcomes).variants["Rows"].values()
    # (1.5 - 1 + 3.5 - 2) / 2.
    assert (first.less_first.mean, other.less_first.mean) == (0.0, 1.0)
    outcomes["Rows", "first"] = [FAILED]
    summary = summary_of([table], outcomes)
    assert summary.variants["Rows"]["other"].less_first is None


def test_scenarios_are_judged_by_their_own_metrics():
    values = {one.name: np.array([0.25, 0.75]) for one in scenario_metrics.METRICS}
    outcome = Outcome(dict.fromkeys(("own", "other", "none"), values))
    table = Table("Rows", [Variant("all", "", {0: None})], [])
    summary = summarise(
        [table],
        {("Rows", "all"): [outcome]},
        {"popularity": [outcome]},
        metrics=scenario_metrics.METRICS,
        overrides=[],
        seed=0,
        num_resamples=100,
    )
    variant = summary.variants["Rows"]["all"]
    shown = [one.name for one in scenario_metrics.METRICS if one.in_tables]
    assert list(variant.metrics) == shown
    assert shown[0] == "recall@20"


def test_figures_are_json_without_nan(summary):
    text = json.dumps(finite(dataclasses.asdict(summary)), allow_nan=False)
    read = json.loads(text)
    assert read["variants"]["Both"]["PE, dot"]["metrics"]["mae"]["mean"] == 3.0
    assert read["references"]["bias_ridge"]["seed_deviation"] is None
