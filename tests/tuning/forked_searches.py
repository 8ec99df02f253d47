"""Runs searches in forked processes, to be killed; one JSON command a line.

Importing KerasTuner takes seconds, so it is done once here. A training is a sum of the
values, and counts itself in a file.

Commands: {"start": {...}} answers with a pid, {"wait": pid} with how it ended, and
{"kill": pid} kills it.
"""

import gc
import json
import os
import pathlib
import signal
import sys
import time

from models.whole_files import write_atomically
from tuning import chief, tuner
from tuning import search as search_module
from tuning.grid import split_points
from tuning.results import SearchResults
from tuning.search import run_search
from tuning.search_oracle import Budget
from tuning.space import Space
from tuning.trial_result import Training, TrainingFailedError


def score_of(values, seed):
    numbers = [v for v in values.values() if isinstance(v, int | float)]
    return sum(numbers) + 0.25 * len(values) + seed


def refusal(values):
    is_refused = values.get("model.a") == 2 and values.get("model.b") == "y"
    return "a = 2 goes with b 'x' only" if is_refused else ""


class CountingTrainer:
    """Writes a line when it begins, and says so if the trial had ended before."""

    def __init__(self, log, seconds, killer):
        self._log = log
        self._seconds = seconds
        self._killer = killer

    def __call__(self, values, seed, folder):
        done = folder / f"seed-{seed}" / "done.json"  # As the lineage of a run.
        if not done.exists():
            self._note(folder.name, seed, (folder / "result.json").exists())
            checkpoints = done.parent / "checkpoints"
            checkpoints.mkdir(parents=True, exist_ok=True)
            (checkpoints / "weights").write_text("w" * 100)
            self._killer.reach("train")
            time.sleep(self._seconds)
            if values.get("model.fails"):
                raise TrainingFailedError(f"val_mae was nan in epoch {len(values)}")
            if values.get("model.bug"):
                raise KeyError("bug")
            write_atomically(done, json.dumps(score_of(values, seed)))
        return Training(json.loads(done.read_text()), 1 + seed, 10)

    def _note(self, trial_id, seed, is_repeated):
        line = json.dumps([trial_id, seed, "repeated" if is_repeated else "begun"])
        with self._log.open("a") as file:
            file.write(line + "\n")


class Killer:
    """Kills its own process when a point is reached for the nth time."""

    def __init__(self, point=None, nth=1):
        self._point = point
        self._left = nth

    def reach(self, point):
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch_files(self):
        replace = os.replace

        def watched(*arguments):
            self.reach("before rename")
            replace(*arguments)
            self.reach("after rename")

        os.replace = watched


def run(command):
    killer = Killer(**command.get("kill", {}))
    killer.watch_files()
    os.environ.update(command.get("environment", {}))
    if "silence_s" in command:
        serve = search_module.serve_oracle
        search_module.serve_oracle = lambda *arguments: serve(
            *arguments, silence_s=command["silence_s"]
        )
    space = Space.model_validate(command["space"])
    folder = pathlib.Path(command["folder"])
    algorithm = command.get("algorithm", "grid")
    seeds = tuple(range(space.seeds))
    search = SearchResults(
        space, algorithm, "val_mae", True, "stars", seeds, own=command.get("own")
    )
    trainer = CountingTrainer(
        folder.parent / f"{folder.name}.jsonl", command.get("seconds", 0.0), killer
    )
    run_search(
        search,
        folder,
        refusal=refusal,
        trainer=trainer,
        say=lambda line: print(line, file=sys.stderr, flush=True),
        budget=Budget(**command.get("budget", {})),
    )


def start(command):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        log = os.open(
            command["folder"] + ".log", os.O_CREAT | os.O_WRONLY | os.O_APPEND
        )
        os.dup2(log, 1)
        os.dup2(log, 2)
        run(command)
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def wait(pid, seconds=30.0):
    """Returns the exit status, or minus the signal; kills what takes too long."""
    end = time.monotonic() + seconds
    while (found := os.waitpid(pid, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return "it took too long"
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(found[1])


def main():
    assert split_points  # Imported before anything is forked.
    # Whoever waits for another process looks again soon: these searches are short.
    chief._LOOK_EVERY_S = tuner._IDLE_S = 0.1
    chief._TRY_S = 0.2
    # Nor does a fork copy what has been imported, in looking for garbage in it.
    gc.freeze()
    gc.disable()
    print(json.dumps("ready"), flush=True)
    waited_for = set()
    for line in sys.stdin:
        ((verb, argument),) = json.loads(line).items()
        if verb == "start":
            answer = start(argument)
        elif verb == "kill":
            if argument not in waited_for:
                os.kill(argument, signal.SIGKILL)
            answer = None
        else:
            answer = wait(argument)
            waited_for.add(argument)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
