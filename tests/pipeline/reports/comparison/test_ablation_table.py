import json

import numpy as np
import pytest
from pipeline.judging.variant_scores import Outcome

from pipeline.judging.variant_grid import Table, Variant
from pipeline.reports.comparison.ablation_table import (
    ablation_report,
    summarise,
    to_json,
)
from pipeline.settings.user.config import EvaluationConfig

OPTIONS = EvaluationConfig(num_resamples=100)


def outcome(own, *, other=9.0, none=5.0, **facts):
    """Outcome of two tasks: the MAE of each with their own support, and the rest."""
    groups = {"own": own, "other": [other] * 2, "none": [none] * 2}
    return Outcome(
        {
            group: {"mae": np.array(mae, float), "ndcg@3": np.array([0.25, 0.75])}
            for group, mae in groups.items()
        },
        **facts,
    )


@pytest.fixture
def tables():
    seeds = {0: None, 1: None}
    cells = [Variant("PE", "dot", seeds), Variant("PE", "mlp", seeds)]
    return [Table("Both", cells, ["dot", "mlp"])]


@pytest.fixture
def summary(tables):
    outcomes = {
        ("Both", "PE, dot"): [
            outcome([1.0, 3.0], tasks_per_s=10.0, num_parameters=1234, run="a"),
            outcome([3.0, 5.0], tasks_per_s=30.0, num_parameters=1234, run="b"),
        ],
        ("Both", "PE, mlp"): [
            outcome([1.0, 1.0]),
            Outcome({}, failure="seed 1: not\nfinite"),
        ],
    }
    references = {"bias_ridge": [outcome([4.0, 5.0])]}
    return summarise(tables, outcomes, references, ["model.dropout=0.1"], OPTIONS)


def test_figures_are_drawn_together_over_seeds_and_tasks(summary):
    dot = summary.variants["Both"]["PE, dot"]
    # Tasks: (1 + 3) / 2 and (3 + 5) / 2, so 2 and 4.
    assert dot.mae.mean == 3.0
    assert dot.ndcg.mean == 0.5
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


def test_a_variant_that_failed_says_why(summary, tables):
    assert summary.variants["Both"]["PE, mlp"] == "seed 1: not\nfinite"
    assert "| failed: seed 1: not finite |" in ablation_report(
        "x", "y", tables, summary
    )


def test_the_report_has_a_matrix_and_a_row_for_each_variant(summary, tables):
    text = ablation_report("own", "meta_test", tables, summary)
    title, seeds, note, heading, matrix, rows = text.strip().split("\n\n")
    assert title == "# Ablation own on meta_test"
    assert seeds == "Seeds: 0, 1. --set model.dropout=0.1"
    assert note.startswith("Means over 2 tasks, each the mean of its seeds; 95 % ")
    assert heading == "## Both"
    cells = [[c.strip() for c in r.split("|")[1:-1]] for r in matrix.splitlines()]
    assert cells[0] == ["mae", "dot", "mlp"]
    assert cells[2] == ["PE", "3.0000 [2.000, 4.000]", "failed"]
    cells = [[c.strip() for c in r.split("|")[1:-1]] for r in rows.splitlines()]
    assert cells[2] == [
        *("PE, dot", "3.0000 [2.000, 4.000]", "1.4142", "0.5000"),
        *("-1.5000 [-2.0000, -1.0000]", "+0.0000 [+0.0000, +0.0000]"),
        *("+6.0000", "5.0000", "20", "1,234"),
    ]
    assert cells[4][0] == "*bias_ridge*"
    assert [cells[4][i] for i in (2, 5, 8, 9)] == ["-"] * 4


def test_variants_are_held_against_the_first_of_their_table():
    seeds = {0: None}
    names = ("first", "other")
    table = Table("Rows", [Variant(name, "", seeds) for name in names], [])
    outcomes = {
        ("Rows", "first"): [outcome([1.0, 2.0])],
        ("Rows", "other"): [outcome([1.5, 3.5])],
    }
    references = {"bias_ridge": [outcome([4.0, 5.0])]}
    first, other = (
        summarise([table], outcomes, references, [], OPTIONS).variants["Rows"].values()
    )
    # (1.5 - 1 + 3.5 - 2) / 2.
    assert (first.less_first.mean, other.less_first.mean) == (0.0, 1.0)
    outcomes["Rows", "first"] = [Outcome({}, failure="seed 1: not\nfinite")]
    summary = summarise([table], outcomes, references, [], OPTIONS)
    assert summary.variants["Rows"]["other"].less_first is None


def test_figures_are_json_without_nan(summary):
    text = json.dumps(to_json(summary), allow_nan=False)
    read = json.loads(text)
    assert read["variants"]["Both"]["PE, dot"]["mae"]["mean"] == 3.0
    assert read["references"]["bias_ridge"]["seed_deviation"] is None
