"""Outcomes of variants, worked by hand."""

import numpy as np

from pipeline.judging.ablation import NONE, OTHER, OWN, Outcome, summarise
from pipeline.judging.variant_grid import Table, Variant
from pipeline.settings.user.metrics import METRICS

FAILED = Outcome({}, failure="seed 1: not\nfinite")


def make_outcome(own, *, other=9.0, none=5.0, **facts):
    """Outcome of two tasks: the MAE of each with their own support, and the rest."""
    groups = {OWN: own, OTHER: [other] * 2, NONE: [none] * 2}
    shares = [metric.name for metric in METRICS[1:]]
    return Outcome(
        {
            group: {"mae": np.array(mae, float)}
            | {name: np.array([0.25, 0.75]) for name in shares}
            for group, mae in groups.items()
        },
        **facts,
    )


def summary_of(tables, outcomes):
    """Draws outcomes together beside bias ridge, whose tasks have MAE 4 and 5."""
    return summarise(
        tables,
        outcomes,
        {"bias_ridge": [make_outcome([4.0, 5.0])]},
        metrics=METRICS,
        overrides=["model.dropout=0.1"],
        seed=0,
        num_resamples=100,
    )


def make_tables():
    """One table of one row and two columns, with two seeds."""
    seeds = {0: None, 1: None}
    cells = [Variant("PE", "dot", seeds), Variant("PE", "mlp", seeds)]
    return [Table("Both", cells, ["dot", "mlp"])]


def make_summary(tables):
    """Draws two seeds of a variant together, and one and a failure of another."""
    outcomes = {
        ("Both", "PE, dot"): [
            make_outcome([1.0, 3.0], tasks_per_s=10.0, num_parameters=1234, run="a"),
            make_outcome([3.0, 5.0], tasks_per_s=30.0, num_parameters=1234, run="b"),
        ],
        ("Both", "PE, mlp"): [make_outcome([1.0, 1.0]), FAILED],
    }
    return summary_of(tables, outcomes)
