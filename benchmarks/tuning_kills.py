"""Kills a search again and again at random, and counts trials lost and repeated.

Trainings are a pause and a sum, so that what is measured is the search alone.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from pipeline.experiment import quiet

quiet.quieten()
quiet.import_tensorflow()

from models.whole_files import write_atomically
from tuning.grid import grid_points
from tuning.results import SearchResults, read_results
from tuning.search import run_search
from tuning.space import Space
from tuning.training import Training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--training_s", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    keys = {"model.dropout": list(range(arguments.trials))}
    space = Space.model_validate({"name": "kills", "keys": keys, "seeds": 2})
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name, "search")
        landed = 0
        while landed < arguments.kills:
            pid = start(space, folder, arguments.training_s)
            time.sleep(chance.uniform(0.02, 6.0 * arguments.training_s))
            os.kill(pid, signal.SIGKILL)
            landed += os.waitpid(pid, 0)[1] == signal.SIGKILL
        _, status = os.waitpid(start(space, folder, arguments.training_s), 0)
        text = folder.with_name("trainings").read_text(encoding="utf-8")
        found = [trial.values for trial in read_results(folder).trials]
    begun = [line.split() for line in text.splitlines()]
    figures = {
        "kills": landed,
        "trials": len(found),
        "lost": sum(point not in found for point in grid_points(space)),
        "repeated": sum(is_done == "True" for *_, is_done in begun),
        "trainings_cut_short": len(begun) - 2 * len(found),
        "last_exit_status": status,
    }
    print(json.dumps(figures))


def start(space: Space, folder: pathlib.Path, training_s: float) -> int:
    """Runs the search in a fork; returns its process id."""
    if pid := os.fork():
        return pid
    log = folder.with_name("trainings")

    def train(values: Mapping[str, Any], seed: int, trial: pathlib.Path) -> Training:
        done = trial / f"seed-{seed}.json"
        if not done.exists():
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{trial.name} {seed} {(trial / 'result.json').exists()}\n")
            time.sleep(training_s)
            write_atomically(done, json.dumps(float(values["model.dropout"])))
        return Training(json.loads(done.read_text(encoding="utf-8")), 1, 1)

    status = 1
    try:
        search = SearchResults(space, "grid", "val_mae", True, "stars", (0, 1))
        run_search(
            search, folder, refusal=lambda values: "", trainer=train, say=lambda _: None
        )
        status = 0
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
