"""Searches that are killed, by SIGKILL at marked points or at random, and go on."""

import random
import signal
import time

import pytest

from tuning.results import read_results

SPACE = {
    "name": "kills",
    "keys": {
        "model.a": [1, 2, 3],
        "model.b": ["x", "y"],
        "model.c": {"min": 1, "max": 2, "steps": 2, "when": {"model.b": ["x"]}},
    },
    "seeds": 2,
}
# a times (b = x with c = 1 or 2, b = y), less the one that is refused.
NUM_POINTS = 8
OWN = {"model.a": 9, "model.b": "x", "model.c": 1.5}  # Beside the space.
ALGORITHMS = {
    "grid": {"algorithm": "grid"},
    "random": {"algorithm": "random", "budget": {"max_trials": 6}},
    "bayesian": {"algorithm": "bayesian", "budget": {"max_trials": 6}},
    "hyperband": {"algorithm": "hyperband", "budget": {"max_epochs": 3}},
}
ALGORITHMS = {name: {**command, "own": OWN} for name, command in ALGORITHMS.items()}
POINTS = ("before rename", "after rename", "train")


def told(results):
    """What a search came to, without times."""
    return [(t.trial_id, t.status, t.values, t.scores) for t in results.trials]


@pytest.fixture(scope="module")
def undisturbed(searches, tmp_path_factory):
    """What each algorithm finds if nobody kills it."""
    found = {}
    for name, command in ALGORITHMS.items():
        folder = tmp_path_factory.mktemp("undisturbed") / name
        assert searches.run(folder, SPACE, **command) == 0
        found[name] = told(read_results(folder))
    return found


# Killed once in a while everywhere; at every point, each algorithm at points of a kind.
KILLS = [(name, point, 7) for name in ALGORITHMS for point in POINTS]
KILLS += [
    ("grid", "train", 1),
    ("random", "after rename", 1),
    ("bayesian", "before rename", 1),
    ("hyperband", "train", 1),
]


@pytest.mark.parametrize(("algorithm", "point", "step"), KILLS)
def test_a_search_killed_wherever_it_writes_ends_as_one_that_was_not(
    searches, trainings, undisturbed, tmp_path, algorithm, point, step
):
    folder, nth = tmp_path / "search", 1
    command = ALGORITHMS[algorithm]
    # Killed at the first point of its kind, then a few further on, and so on.
    while searches.run(folder, SPACE, **command, kill={"point": point, "nth": nth}):
        nth += step
        assert nth < 500
    assert told(read_results(folder)) == undisturbed[algorithm]
    assert "repeated" not in {what for _, _, what in trainings(folder)}


@pytest.mark.parametrize("algorithm", ["grid", "random"])
def test_a_search_killed_at_random_loses_and_repeats_nothing(
    searches, trainings, undisturbed, tmp_path, algorithm
):
    folder, chance = tmp_path / "search", random.Random(5)
    command = {**ALGORITHMS[algorithm], "seconds": 0.02}
    for _ in range(20):
        pid = searches.start(folder, SPACE, **command)
        time.sleep(chance.uniform(0.005, 0.1))
        searches.kill(pid)
        assert searches.wait(pid) in (-signal.SIGKILL, 0)
    assert searches.run(folder, SPACE, **command) == 0
    assert told(read_results(folder)) == undisturbed[algorithm]
    assert "repeated" not in {what for _, _, what in trainings(folder)}


def test_a_finished_search_trains_nothing_when_it_is_started_again(
    searches, trainings, tmp_path
):
    folder = tmp_path / "search"
    assert searches.run(folder, SPACE) == 0
    before = trainings(folder)
    assert len(before) == NUM_POINTS * 2
    assert searches.run(folder, SPACE) == 0
    assert trainings(folder) == before


def test_a_larger_budget_goes_on_with_the_same_search(searches, trainings, tmp_path):
    folder = tmp_path / "search"
    assert searches.run(folder, SPACE, budget={"max_trials": 2}) == 0
    assert [t.trial_id for t in read_results(folder).best_first()] == ["0000", "0001"]
    assert searches.run(folder, SPACE, budget={"max_trials": 5}) == 0
    assert len(trainings(folder)) == 5 * 2
