"""A grid search against its trainings alone, each by the command line, in turn."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from pipeline.training.search_plan import load_plan
from tuning.grid import grid_points, split_points
from tuning.trial_result import value_text

_CMML = [sys.executable, "-c", "from pipeline.cli import entry_point; entry_point()"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--space", required=True)
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    plan = load_plan(arguments.config, arguments.set, arguments.space, "grid")
    points, _ = split_points(grid_points(plan.space), plan.refusal)
    of_all = [f"{key}={value_text(value)}" for key, value in plan.space.set.items()]
    trainings = [
        [f"{key}={value_text(value)}" for key, value in point.items()]
        + [f"training.seed={seed}"]
        for point in points
        for seed in plan.seeds
    ]
    for _ in range(arguments.repeats):
        with tempfile.TemporaryDirectory() as name:
            experiment = [*arguments.set, f"runs_dir={pathlib.Path(name)}"]
            bare_s = sum(
                seconds_of("train", arguments.config, [*experiment, *of_all, *changes])
                for changes in trainings
            )
            space = ["--space", arguments.space]
            search_s = seconds_of("tune", arguments.config, experiment, *space)
        figures = {
            "trainings": len(trainings),
            "bare_s": round(bare_s, 1),
            "search_s": round(search_s, 1),
            "overhead": round(search_s / bare_s - 1.0, 4),
        }
        print(json.dumps(figures), flush=True)


def seconds_of(step: str, config: str, changes: list[str], *more: str) -> float:
    sets = [part for change in changes for part in ("--set", change)]
    started = time.perf_counter()
    subprocess.run(
        [*_CMML, step, "--config", config, *sets, *more],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
