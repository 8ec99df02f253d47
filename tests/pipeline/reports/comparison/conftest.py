import numpy as np
import pytest

from models.evaluation.metric import Metric
from pipeline.judging.cost import Cost
from pipeline.judging.results import CostCurve, MethodResult, Setup
from pipeline.reports.comparison.figures import all_figures
from pipeline.reports.comparison.summary import summarise

NUM_TASKS = 40


def values_of(mae, num_seeds):
    """Tasks of different difficulty, the last of them without a value."""
    rng = np.random.default_rng(round(1000 * mae))
    tasks = np.linspace(0.0, 0.4, NUM_TASKS)
    noise = rng.normal(0.0, 0.01, (num_seeds, NUM_TASKS))
    values = mae + tasks + noise
    values[:, -1] = np.nan
    return {"mae": values, "ndcg@3": 1.0 - values / 2.0}


def method(name, kind, mae, num_seeds=3, **costs):
    groups = {"cold": mae, "warm": mae - 0.1, "cold/support_0": mae + 0.2}
    values = {group: values_of(x, num_seeds) for group, x in groups.items()}
    return MethodResult(name, kind, {"learning_rate": 0.001}, values, **costs)


@pytest.fixture(scope="session")
def setup():
    return Setup(
        name="tiny",
        setting="user",
        split="meta_test",
        metrics=(Metric("mae", higher_is_better=False), Metric("ndcg@3")),
        groups={"cold": "users never seen", "warm": "users of meta-train"},
        seeds=(0, 1, 2),
        num_tasks=NUM_TASKS - 1,
        num_trials=4,
        commands=["cmml compare --config 'a & b.yaml'"],
        few_shot={0: "cold/support_0", 20: "cold"},
        num_resamples=200,
    )


def made():
    return [
        method("item_mean", "simple", 0.90, 1, adapt_ms=0.1, flags=("constant",)),
        method("ridge", "simple", 0.70, 1, adapt_ms=0.2),
        method("melu", "learned", 0.60, adapt_ms=8.0, train_s=90.0, num_parameters=999),
        method("cmml", "cmml", 0.50, adapt_ms=1.0, peak_mb=12.0, num_parameters=1234),
        MethodResult("s2meta", "learned", {}, {}, failure="loss < 0 & not finite"),
    ]


@pytest.fixture(scope="session")
def curves():
    return [
        CostCurve("melu", (1, 5), [Cost(1.0, 2.0, 10.0), Cost(5.0, 9.0, 40.0)]),
        CostCurve("cmml", (), [Cost(1.0, 3.0, 12.0)]),
    ]


@pytest.fixture
def results():
    """A list of its own for each test, which may change it."""
    return made()


@pytest.fixture(scope="session")
def summary(setup):
    return summarise(made(), setup, "ridge")


@pytest.fixture(scope="session")
def drawn(summary, curves):
    return all_figures(summary, curves)
