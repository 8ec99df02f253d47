"""Tuning, seeds and results that are kept, with a method that trains nothing."""

import json
import math
import weakref

import numpy as np
import pytest

from models.resumable_training import METRICS_FILE, TrainingDivergedError
from pipeline.experiment.run_dir import RunDir
from pipeline.judging.compared_method import (
    ComparedMethod,
    train_seconds,
    tune_and_judge,
)


class Fake(ComparedMethod):
    """A method whose model is its quality, as the candidate says it."""

    KIND = "learned"

    def __init__(self, folder, candidates, has_seeds=True):
        self.name = "fake"
        self.candidates = candidates
        self._folder = folder
        self._has_seeds = has_seeds
        self.trained = []

    @property
    def has_seeds(self):
        return self._has_seeds

    def train(self, changes, seed):
        self.trained.append((changes["quality"], seed))
        if math.isnan(changes["quality"]) or (changes.get("breaks") and seed):
            raise TrainingDivergedError("val_mae must be finite")
        run = RunDir(self._folder / f"{changes['quality']}-{seed}")
        run.path.mkdir(parents=True, exist_ok=True)
        run.record("train", "f", num_parameters=7, fit_s=float(seed))
        return run

    def load(self, run, changes):
        return changes["quality"], int(run.path.name.rpartition("-")[2])

    def resolve(self, changes):
        return dict(changes)

    def build(self, hyperparameters):
        raise NotImplementedError


class Counting:
    """A judge that counts how often it is asked."""

    fingerprint = "f"

    def __init__(self):
        self.asked = 0

    def worth(self, method):
        self.asked += 1
        return method[0]

    def judge(self, method):
        self.asked += 1
        quality, seed = method
        return {"cold/some": {"mae": np.array([quality, seed])}}, ("odd",)


def candidates(*qualities, **others):
    return [{"quality": quality, **others} for quality in qualities]


def test_the_best_candidate_by_the_first_seed_is_trained_with_all(tmp_path):
    fake = Fake(tmp_path, candidates(1.0, 3.0, 2.0))
    outcome = tune_and_judge(fake, Counting(), num_trials=3, seeds=[0, 1])
    assert outcome.changes == {"quality": 3.0}
    assert [worth for _, worth in outcome.trials] == [1.0, 3.0, 2.0]
    assert outcome.worth == 3.0
    assert fake.trained == [(1.0, 0), (3.0, 0), (2.0, 0), (3.0, 0), (3.0, 1)]
    np.testing.assert_array_equal(
        outcome.values["cold/some"]["mae"], [[3.0, 0.0], [3.0, 1.0]]
    )
    assert outcome.flags == ("odd",)
    assert outcome.num_parameters == 7
    assert outcome.train_s == 0.5  # The median of 0 and 1.


def test_no_more_candidates_are_tried_than_the_budget_has(tmp_path):
    fake = Fake(tmp_path, candidates(1.0, 3.0))
    outcome = tune_and_judge(fake, Counting(), num_trials=1, seeds=[0])
    assert outcome.changes == {"quality": 1.0}


def test_of_equal_candidates_the_first_is_chosen(tmp_path):
    fake = Fake(tmp_path, [{"quality": 1.0, "n": 0}, {"quality": 1.0, "n": 1}])
    assert tune_and_judge(fake, Counting(), num_trials=2, seeds=[0]).changes["n"] == 0


def test_a_candidate_that_diverges_is_a_trial_without_a_worth(tmp_path):
    fake = Fake(tmp_path, candidates(math.nan, 2.0))
    outcome = tune_and_judge(fake, Counting(), num_trials=2, seeds=[0])
    assert outcome.changes == {"quality": 2.0}
    assert outcome.trials[0][1] is None
    assert not outcome.failure


def test_a_method_that_always_diverges_is_a_failure_and_no_error(tmp_path):
    outcome = tune_and_judge(
        Fake(tmp_path, candidates(math.nan)), Counting(), num_trials=1, seeds=[0]
    )
    assert outcome.failure == "every trial failed, the last: val_mae must be finite"
    assert outcome.values == {}


def test_a_seed_that_diverges_is_named(tmp_path):
    fake = Fake(tmp_path, candidates(1.0, breaks=True))
    outcome = tune_and_judge(fake, Counting(), num_trials=1, seeds=[0, 1])
    assert outcome.failure == "seed 1: val_mae must be finite"


def test_a_method_without_seeds_is_trained_once(tmp_path):
    fake = Fake(tmp_path, candidates(1.0), has_seeds=False)
    outcome = tune_and_judge(fake, Counting(), num_trials=1, seeds=[0, 1, 2])
    assert outcome.values["cold/some"]["mae"].shape == (1, 2)


def test_what_has_been_judged_is_not_judged_again(tmp_path):
    judge = Counting()
    first = tune_and_judge(
        Fake(tmp_path, candidates(1.0, 2.0)), judge, num_trials=2, seeds=[0, 1]
    )
    assert judge.asked == 4
    again = tune_and_judge(
        Fake(tmp_path, candidates(1.0, 2.0)), judge, num_trials=2, seeds=[0, 1]
    )
    assert judge.asked == 4
    np.testing.assert_array_equal(
        first.values["cold/some"]["mae"], again.values["cold/some"]["mae"]
    )
    judge.fingerprint = "g"
    tune_and_judge(
        Fake(tmp_path, candidates(1.0, 2.0)), judge, num_trials=2, seeds=[0, 1]
    )
    assert judge.asked == 8


def test_seconds_of_a_training_are_those_of_its_epochs(tmp_path):
    epochs = {"epoch": 0}, {"epoch": 1, "epoch_s": 2.5}, {"epoch": 2, "epoch_s": 1.0}
    lines = map(json.dumps, epochs)
    (tmp_path / METRICS_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert train_seconds(RunDir(tmp_path)) == 3.5
    assert math.isnan(train_seconds(RunDir(tmp_path / "nothing")))


@pytest.mark.parametrize("num_trials", [1, 4])
def test_equal_budgets_hold_whatever_the_number_of_candidates(tmp_path, num_trials):
    fake = Fake(tmp_path, candidates(1.0, 2.0))
    outcome = tune_and_judge(fake, Counting(), num_trials=num_trials, seeds=[0])
    assert len(outcome.trials) == min(2, num_trials)


def test_models_are_let_go_of_once_they_are_judged(tmp_path):
    models = []

    class Circular(list):
        """Refers to itself, as a Keras model does."""

        def __init__(self, values):
            super().__init__(values)
            self.own = self
            models.append(weakref.ref(self))

    class Loaded(Fake):
        def load(self, run, changes):
            return Circular(super().load(run, changes))

    fake = Loaded(tmp_path, candidates(1.0, 2.0))
    tune_and_judge(fake, Counting(), num_trials=2, seeds=[0, 1])
    assert [model() for model in models] == [None] * 4
