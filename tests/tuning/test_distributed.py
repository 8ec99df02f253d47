"""A chief and its workers on loopback, and what becomes of those that die."""

import pathlib
import socket
import time

import pytest

from tuning.results import read_results, read_search

SPACE = {"name": "many", "keys": {"model.a": [1, 2, 3, 4, 5], "model.b": [True, False]}}
NUM_POINTS = 10


@pytest.fixture
def processes(searches, tmp_path):
    """Starts the chief or a worker of one search; what is left is killed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    started = []

    def start(tuner_id, **command):
        environment = {
            "KERASTUNER_TUNER_ID": tuner_id,
            "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
        }
        command = {"seconds": 0.05, "silence_s": 1.0, **command}
        folder = command.pop("folder", tmp_path / "search")
        pid = searches.start(folder, SPACE, environment=environment, **command)
        started.append(pid)
        return pid

    yield start
    for pid in started:
        searches.kill(pid)  # A process that has been waited for is left in peace.


def wait_until(condition):
    end = time.monotonic() + 15.0
    while not condition():
        assert time.monotonic() < end, "it has not come to this"
        time.sleep(0.01)


def test_a_killed_worker_is_replaced_and_no_trial_is_lost_or_repeated(
    searches, trainings, processes, tmp_path
):
    folder = tmp_path / "search"
    chief, first = processes("chief"), processes("first")
    # The second dies in the middle of its second training.
    second = processes("second", kill={"point": "train", "nth": 2})
    assert searches.wait(second) == -9
    third = processes("third")
    assert [searches.wait(pid) for pid in (first, third, chief)] == [0, 0, 0]
    results = read_results(folder)
    assert [t.trial_id for t in results.trials] == [f"{i:04d}" for i in range(10)]
    assert len(results.best_first()) == NUM_POINTS
    tried = [(t.values["model.a"], t.values["model.b"]) for t in results.trials]
    assert tried == [(a, b) for a in range(1, 6) for b in (True, False)]
    begun = trainings(folder)
    assert "repeated" not in {what for _, _, what in begun}
    assert len(begun) == NUM_POINTS + 1  # One was begun twice, since it was killed.


def test_a_dead_worker_does_not_keep_the_chief(searches, processes, tmp_path):
    folder = tmp_path / "search"
    chief = processes("chief")
    dead = processes("dead", kill={"point": "train", "nth": 3})
    assert searches.wait(dead) == -9
    assert searches.wait(processes("alive")) == 0
    assert searches.wait(chief) == 0
    assert len(read_results(folder).best_first()) == NUM_POINTS
    log = pathlib.Path(f"{folder}.log").read_text(encoding="utf-8")
    assert "worker 'dead' is silent, its trial 0002 is free" in log


def test_a_killed_chief_goes_on_with_the_workers_that_wait_for_it(
    searches, trainings, processes, tmp_path
):
    folder = tmp_path / "search"
    chief, worker = processes("chief"), processes("worker")
    wait_until(lambda: (folder / "trials/0003/result.json").exists())
    searches.kill(chief)
    assert searches.wait(chief) == -9
    chief = processes("chief")
    assert [searches.wait(worker), searches.wait(chief)] == [0, 0]
    assert len(read_results(folder).best_first()) == NUM_POINTS
    assert "repeated" not in {what for _, _, what in trainings(folder)}


def test_a_second_chief_and_a_single_search_are_refused(searches, processes, tmp_path):
    folder = tmp_path / "search"
    chief = processes("chief")
    wait_until(lambda: (folder / "search.json").exists())
    assert searches.wait(processes("chief")) == 1
    assert searches.run(folder, SPACE) == 1
    log = pathlib.Path(f"{folder}.log").read_text(encoding="utf-8")
    assert log.count("DataError") == log.count("searched by another process") == 2
    assert searches.wait(processes("worker", seconds=0.0)) == 0
    assert searches.wait(chief) == 0


def test_a_port_that_is_taken_is_an_error(searches, processes, tmp_path):
    chief = processes("chief")
    wait_until(lambda: (tmp_path / "search/search.json").exists())
    other = tmp_path / "other"
    assert searches.wait(processes("chief", folder=other)) == 1
    log = pathlib.Path(f"{other}.log").read_text(encoding="utf-8")
    assert "the chief cannot listen at 127.0.0.1:" in log
    assert "KERASTUNER_ORACLE_PORT" in log
    assert searches.wait(processes("worker", seconds=0.0)) == 0
    assert searches.wait(chief) == 0


def test_a_worker_of_another_search_is_told_so(searches, processes, tmp_path):
    processes("chief")
    other = tmp_path / "other"
    assert searches.run(other, SPACE, budget={"max_trials": 1}) == 0
    assert searches.wait(processes("worker", folder=other)) == 1
    log = pathlib.Path(f"{other}.log").read_text(encoding="utf-8")
    assert "the chief searches 'search', this worker 'other'" in log
    assert not read_search(tmp_path / "search").trials
