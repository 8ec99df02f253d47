"""A search with known answers: a grid of 18 points, one that failed, one invalid."""

import dataclasses
import itertools
import xml.etree.ElementTree as ET

import pytest

from tuning.results import SearchResults
from tuning.space import Space
from tuning.trial_result import TrialResult, objective

EVIL = "<script>alert(1)</script>$a$"
SPACE = {
    "name": "tiny",
    "set": {"model.dropout": 0.25},
    "keys": {
        "model.encoder": ["gru", "mean"],
        "model.modulation": ["film", "soft"],
        "model.num_modules": {"values": [2, 4], "when": {"model.modulation": ["soft"]}},
        "training.learning_rate": {
            "min": 1.0e-4,
            "max": 1.0e-2,
            "scale": "log",
            "steps": 3,
        },
    },
    "seeds": 2,
    "spread_weight": 0.5,
}
WORSE = {"gru": 0.0, "mean": 0.1, "film": 0.02, "soft": 0.0, 2: 0.01, 4: 0.0}
RATES = {0.0001: 0.03, 0.001: 0.01, 0.01: 0.0}


def completed(number, values, scores, **facts):
    worth = objective(scores, spread_weight=0.5, minimise=True)
    facts = {"best_epochs": (7, 9), "num_parameters": 1000, "seconds": 30.0} | facts
    return TrialResult(f"{number:04}", "completed", values, scores, worth, **facts)


def points():
    members = [("film", None), ("soft", 2), ("soft", 4)]
    for encoder, member, rate in itertools.product(("gru", "mean"), members, RATES):
        modulation, modules = member
        values = {"model.encoder": encoder, "model.modulation": modulation}
        values |= {"model.num_modules": modules} if modules else {}
        yield {**values, "training.learning_rate": rate}


def made_trials():
    for number, values in enumerate(points()):
        rate = values["training.learning_rate"]
        names = [value for key, value in values.items() if key.startswith("model.")]
        mean = 0.7 + sum(WORSE[name] for name in names) + RATES[rate]
        yield completed(number, values, (mean - 0.001, mean + 0.001))
    failed = {"model.encoder": "gru", "training.learning_rate": 0.01}
    yield TrialResult("0018", "failed", failed, reason=f"loss is nan {EVIL}")
    yield TrialResult("skipped-0000", "invalid", {"model.encoder": EVIL}, reason="no.")


@pytest.fixture(scope="session")
def results():
    """The best is trial 0008: "gru", "soft" with 4 modules, and the highest rate."""
    space = Space.model_validate(SPACE)
    trials = tuple(made_trials())
    return SearchResults(space, "grid", "val_mae", True, "stars", (3, 4), trials)


@pytest.fixture(scope="session")
def with_scores(results):
    """Returns a function that makes a search of trials with given scores."""

    def search(*scores, values=None, minimise=True):
        values = values or [{"model.encoder": "gru"} for _ in scores]
        trials = tuple(
            dataclasses.replace(
                completed(number, values[number], one),
                objective=objective(one, spread_weight=0.5, minimise=minimise),
            )
            for number, one in enumerate(scores)
        )
        seeds = tuple(range(len(scores[0])))
        return dataclasses.replace(
            results, trials=trials, seeds=seeds, minimise=minimise
        )

    return search


@pytest.fixture(scope="session")
def words_of():
    """Returns a function that lists what is written in an SVG file."""

    def words(svg):
        root = ET.fromstring(svg)
        return [t.text.strip() for t in root.iter("{http://www.w3.org/2000/svg}text")]

    return words
