"""A small run, worked by hand, as `evaluate` would have left it."""

import dataclasses

import numpy as np
import pytest
from pipeline.reports.run.data_facts import DataFacts, SplitFacts
from pipeline.reports.run.scored_rows import ScoredRows
from pipeline.reports.run.user_rows import MAE, NAMES

from models.evaluation.intervals import bootstrap_mean
from pipeline.reports.run.bands import COUNT_BANDS
from pipeline.reports.run.evaluated_run import EvaluatedRun
from pipeline.reports.run.findings import Training, find
from pipeline.reports.run.groups import banded_groups

NUM_TASKS = 40
NUM_PAIRS = 5  # Of each task.
NUM_ITEMS = 20


def scored(errors, support_size, labels=None):
    """Rows of 40 users with 5 pairs each, every pair of a user off by as much."""
    task = np.repeat(np.arange(NUM_TASKS), NUM_PAIRS)
    errors = np.broadcast_to(np.asarray(errors, float), NUM_TASKS)[task]
    label = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], NUM_TASKS)
    if labels is not None:
        label = np.asarray(labels, float)
    return ScoredRows(
        task=task,
        user=task + 1,
        item=1 + np.arange(task.size) % NUM_ITEMS,
        support_size=np.full(task.size, support_size),
        value=errors,
        others={"label": label, "score": label + errors},
    )


def run_of(rows, seed=0, num_resamples=200):
    """An `EvaluatedRun` of rows by method and group, with the summary they make."""
    summary = {
        method: {
            group: {
                "mae": bootstrap_mean(found.by_task(NUM_TASKS), seed, num_resamples)
            }
            for group, found in groups.items()
        }
        for method, groups in rows.items()
    }
    ids = [f"u{n}" for n in range(NUM_TASKS)]
    return EvaluatedRun(MAE, NAMES, ids, rows, summary, seed, num_resamples)


@pytest.fixture
def make_rows():
    return scored


@pytest.fixture
def make_run():
    return run_of


@pytest.fixture
def data():
    """The data set: item 1 was never seen, items 2 to 4 rarely."""
    counts = np.array([0, 0, 2, 2, 5, *[50] * (NUM_ITEMS - 4)])
    test = SplitFacts(
        split="meta_test",
        support_sizes=np.full(NUM_TASKS, 8),
        query_sizes=np.full(NUM_TASKS, NUM_PAIRS),
        num_query_pairs=NUM_TASKS * NUM_PAIRS,
        num_new_item_pairs=10,
        labels={1.0: 40, 2.0: 40, 3.0: 40, 4.0: 40, 5.0: 40},
        pool_sizes=np.zeros(0, int),
    )
    return DataFacts(
        sizes={"users": NUM_TASKS, "items": NUM_ITEMS},
        num_rejected={},
        num_dropped={},
        examples=[],
        user_counts=np.array([0, *[13] * NUM_TASKS]),
        item_counts=counts,
        splits=[dataclasses.replace(test, split="meta_train"), test],
    )


@pytest.fixture
def make_findings(data):
    """Finds what there is in rows, trained in some epochs."""

    def make(rows, *, course=None, max_epochs=10):
        epochs = course or [
            {
                "epoch": 4,
                "best_epoch": 4,
                "mae": 0.5,
                "val_mae": 0.5,
                "best_val_mae": 0.5,
                "tasks_per_s": 100.0,
            }
        ]
        kinds = banded_groups("items", "item", data.item_counts, COUNT_BANDS)
        return find(run_of(rows), data, Training(epochs, "mae", max_epochs), kinds)

    return make


@pytest.fixture
def spread():
    """Errors of 40 tasks around 0, for noise that is not chance alone."""
    return np.random.default_rng(1).uniform(-0.1, 0.1, NUM_TASKS)
