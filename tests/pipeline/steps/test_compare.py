"""A comparison from first training to last table, with methods that train nothing."""

import dataclasses

import numpy as np
import pytest
from pipeline.judging.contender import Contender
from pipeline.steps.tournament import Field, hold

from models.baselines.learned.melu import MeLU
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.cost import Cost
from pipeline.judging.results import Setup
from pipeline.steps import tournament
from transforms.schema import DataError


class Fake(Contender):
    """A method whose error is what its name says, "ridge_0.7"."""

    def __init__(self, folder, name, kind, hyperparameters):
        self.KIND = kind
        self.name = name
        self.candidates = ({},)
        self._folder = folder
        self._hyperparameters = hyperparameters

    def train(self, changes, seed):
        if self.name == "broken":
            raise DataError("too many items")
        run = RunDir(self._folder / f"{self.name}-{seed}")
        run.path.mkdir(parents=True, exist_ok=True)
        return run

    def load(self, run, changes):
        return float(self.name.partition("_")[2])

    def resolve(self, changes):
        return {**self._hyperparameters, **changes}

    def build(self, hyperparameters):
        raise NotImplementedError


class Judge:
    fingerprint = "f"

    def figure(self, method):
        return -method

    def judge(self, method):
        return {"cold": {"mae": np.array([method, method + 0.1])}}, ()


@pytest.fixture
def timed():
    return []


@pytest.fixture
def field(tmp_path, timed, monkeypatch):
    """A comparison of a few methods, and the report that it would write."""
    kinds = {"ridge_0.8": "simple", "mean_0.9": "simple", "broken": "simple"}
    kinds |= {"melu_0.7": "learned", "cmml_0.6": "cmml"}
    options = {"melu_0.7": {"inner_steps": 3}}

    def contender(name, chosen):
        return Fake(tmp_path / "runs", name, kinds[name], options.get(name, {}))

    def cost(name, hyperparameters):
        timed.append((name, dict(hyperparameters)))
        steps = hyperparameters.get("inner_steps", 1)
        return Cost(adapt_ms=1.0 * steps, train_ms=2.0 * steps, peak_mb=3.0)

    def write_report(folder, setup, results, curves, reference):
        return {"results": results, "curves": curves, "reference": reference}

    monkeypatch.setattr(tournament, "write_report", write_report)
    setup = Setup("own", "user", "meta_test", "mae", (), {"cold": ""}, (0, 1), 2)
    return Field(
        setup=setup,
        judge=Judge(),
        contender=contender,
        cost=cost,
        learned={"melu_0.7": MeLU},
        max_seeds={"melu_0.7": 1},
        fingerprint="one",
        folder=tmp_path / "compare" / "meta_test",
    )


ALL = ["mean_0.9", "ridge_0.8", "broken", "melu_0.7", "cmml_0.6"]


def test_every_method_is_tuned_judged_and_timed(field, timed):
    report = hold(field, ALL, num_seeds=2)
    results = {one.name: one for one in report["results"]}
    assert list(results) == ALL
    assert results["cmml_0.6"].values["cold"]["mae"].shape == (2, 2)
    assert results["melu_0.7"].values["cold"]["mae"].shape == (1, 2)  # Its limit.
    assert results["melu_0.7"].adapt_ms == 3.0
    assert {name for name, _ in timed} == set(ALL) - {"broken"}


def test_the_reference_is_the_best_simple_method(field):
    assert hold(field, ALL, 1)["reference"] == "ridge_0.8"
    assert hold(field, ["cmml_0.6"], 1)["reference"] is None


def test_a_method_that_cannot_be_is_a_failure_and_no_error(field):
    broken = hold(field, ALL, 1)["results"][2]
    assert broken.failure == "every trial broke off"
    assert np.isnan(broken.adapt_ms)


def test_curves_are_of_their_own_numbers_of_steps(field, timed):
    curves = {curve.method: curve for curve in hold(field, ALL, 1)["curves"]}
    assert curves.keys() == {"melu_0.7", "cmml_0.6"}
    assert curves["melu_0.7"].steps == (1, 5, 10, 20)
    assert curves["melu_0.7"].adapt_ms == (1.0, 5.0, 10.0, 20.0)
    assert curves["cmml_0.6"].steps == ()
    assert ("melu_0.7", {"inner_steps": 20}) in timed


def test_what_has_been_timed_is_not_timed_again_unless_it_is_another(field, timed):
    hold(field, ALL, 1)
    number = len(timed)
    hold(field, ALL, 1)
    assert len(timed) == number
    hold(dataclasses.replace(field, fingerprint="another"), ALL, 1)
    assert len(timed) == 2 * number
