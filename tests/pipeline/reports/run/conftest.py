"""Small runs of both settings, worked by hand, as `evaluate` would have left them."""

import dataclasses

import numpy as np
import pytest

from models.evaluation.label_gain import LabelGain
from models.evaluation.scored_pairs import ScoredPairs
from models.evaluation.shown import Shown
from pipeline.judging.evaluation import Evaluation
from pipeline.reports.run.bands import COUNT_BANDS, banded_groups
from pipeline.reports.run.evaluated_run import EvaluatedRun
from pipeline.reports.run.findings import Training, find
from pipeline.settings.data_facts import DataFacts, SplitFacts
from pipeline.settings.scenario.setting import SCENARIO
from pipeline.settings.user.setting import USER
from transforms.schema import META_TEST, CommonInfo

NUM_TASKS = 40
NUM_PAIRS = 5  # Of each task.
NUM_ITEMS = 20
FULL_SIZE = 40  # Support pairs that are shown at most.

TASK_IDS = [f"u{n}" for n in range(NUM_TASKS)]
TASK = np.repeat(np.arange(NUM_TASKS), NUM_PAIRS)
REFERENCES = {"user": "bias_ridge", "scenario": "popularity"}


def columns(support_size):
    """What pairs of either setting have; the users of a task are of it alone."""
    return {
        "task": TASK,
        "item": 1 + np.arange(TASK.size) % NUM_ITEMS,
        "support_size": np.full(TASK.size, support_size),
    }


def rated_pairs(errors, support_size, labels=None):
    """Pairs of 40 users with 5 ratings each, every pair of a user off by as much."""
    errors = np.broadcast_to(np.asarray(errors, float), NUM_TASKS)[TASK]
    label = np.tile([1.0, 2.0, 3.0, 4.0, 5.0], NUM_TASKS)
    if labels is not None:
        label = np.asarray(labels, float)
    own = columns(support_size)
    return ScoredPairs(
        *(TASK_IDS,),
        **own,
        user=TASK + 1,
        label=label,
        score=label + errors,
        label_gain=LabelGain(1.0, 5.0),
    )


def clicked_pairs(hits, support_size):
    """Clicks of 5 users in 40 scenarios, so many of them among the first 20 of 50."""
    hits = np.broadcast_to(np.asarray(hits), NUM_TASKS)[TASK]
    place = np.tile(np.arange(NUM_PAIRS), NUM_TASKS)
    rank = np.where(place < hits, 1, 30)
    return ScoredPairs(
        TASK_IDS,
        **columns(support_size),
        user=1 + np.arange(TASK.size) % NUM_TASKS,
        score=-rank.astype(float),
        rank=rank,
        num_tied=np.ones_like(rank),
        num_candidates=np.full(TASK.size, 50),
    )


def groups_of(setting):
    """The groups of tasks, as the setting would make them."""
    tasks = {"user": "cold", "scenario": "scenario_mean"}[setting]
    main = Shown(tasks, META_TEST, FULL_SIZE, FULL_SIZE)
    some = dataclasses.replace(main, max_users=30 if setting == "scenario" else None)
    return [main, some.few(0), some, some.with_other_support()]


def run_of(scores, seed=0, num_resamples=200):
    """An `EvaluatedRun` of pairs by method and group, with the summary they make."""
    (some, *_) = scores["cmml"].values()
    name = "scenario" if some.label is None else "user"
    setting = USER if name == "user" else SCENARIO
    groups = groups_of(name)
    evaluation = Evaluation(
        metrics=setting.metrics,
        groups=[one for one in groups if one.group in scores["cmml"]],
        reference=REFERENCES[name],
        by_task={
            method: {
                group: setting.by_task(pairs) for group, pairs in of_method.items()
            }
            for method, of_method in scores.items()
        },
        seed=seed,
        num_resamples=num_resamples,
    )
    return EvaluatedRun(
        setting,
        groups,
        scores,
        evaluation.intervals(),
        evaluation.differences(),
        seed,
        num_resamples,
    )


@pytest.fixture(scope="session")
def rated():
    return rated_pairs


@pytest.fixture(scope="session")
def clicked():
    return clicked_pairs


@pytest.fixture
def make_run():
    return run_of


def data_of_ratings():
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
    info = CommonInfo(
        num_users=NUM_TASKS,
        num_items=NUM_ITEMS,
        num_tasks={"meta_test": NUM_TASKS},
        num_dropped={},
        options={"split": {}},
    )
    return DataFacts(
        info=info,
        sizes={"users": NUM_TASKS, "items": NUM_ITEMS},
        examples=[],
        user_counts=np.array([0, *np.repeat([13, 50], NUM_TASKS // 2)]),
        item_counts=counts,
        splits=[dataclasses.replace(test, split="meta_train"), test],
    )


def data_of_clicks():
    """The same data set, of clicks instead of ratings."""
    data = data_of_ratings()
    pools = np.full(NUM_TASKS, 50)
    splits = [
        dataclasses.replace(split, labels={}, pool_sizes=pools) for split in data.splits
    ]
    return dataclasses.replace(data, splits=splits)


@pytest.fixture
def data():
    return data_of_ratings()


@pytest.fixture(scope="session")
def make_findings():
    """Finds what there is in scores, trained in some epochs."""

    def make(scores, *, course=None, max_epochs=10, **of_data):
        run = run_of(scores)
        name = run.metric.name
        facts = data_of_ratings() if name == "mae" else data_of_clicks()
        facts = dataclasses.replace(facts, **of_data)
        epochs = course or [
            {
                "epoch": 4,
                "best_epoch": 4,
                name: 0.5,
                f"val_{name}": 0.5,
                f"best_val_{name}": 0.5,
                "tasks_per_s": 100.0,
            }
        ]
        kinds = banded_groups("items", "item", facts.item_counts, COUNT_BANDS)
        return find(run, facts, Training(epochs, name, max_epochs), kinds)

    return make


@pytest.fixture(scope="session")
def spread():
    """Errors of 40 tasks around 0, for noise that is not chance alone."""
    return np.random.default_rng(1).uniform(-0.1, 0.1, NUM_TASKS)
