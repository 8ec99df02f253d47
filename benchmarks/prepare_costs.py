"""What each stage of `prepare` costs, measured on made-up logs and fitted to sizes.

python -m benchmarks.prepare_costs --setting user 1000000 3000000 10000000

A stage is a `DoFn` of ours; its processor time leaves out what later stages do with its
elements, and its output is counted as it would be encoded for a shuffle. Beside the
logs asked for (a user for 50 rows, an item for 200) the smallest one is prepared with
ten and twenty times its users and items, so that rows and entities can be told apart.
Costs are fitted as a + b * rows + c * (users + items), none of them negative, each size
weighing alike. Prints a JSON line for each stage, and one for what is left of the time.
"""

import argparse
import dataclasses
import functools
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.optimize
from apache_beam.coders import FastPrimitivesCoder

from benchmarks.made_logs import LogSize, write_log, write_pools

_OTHERS = "everything else"
_STAGES = {
    "transforms.reading.parse_rows": "_ParseBlock",
    "transforms.ratings.episodes": "_BuildShard",
    "transforms.clicks.user_clicks": "SplitUsers",
    "transforms.clicks.tasks": "BuildTasks",
    "transforms.clicks.records": "WriteClicks",
    "transforms.entities.write_runs": "_WriteRun",
    "transforms.entities.catalogue": "_WriteCatalogue",
    "transforms.writing.episode_files": "WriteEpisodes",
}
_FIGURES = ("cpu_s", "bytes_out")
_ENTITIES_TIMES = (10, 20)  # Users and items of two further logs of the smallest size.

_CODER = FastPrimitivesCoder()  # What Beam writes elements of no known type by.

# Of this process; stages are pickled, and find it by the name of their class.
_costs: dict[str, dict[str, float]] = {
    name: dict.fromkeys(_FIGURES, 0.0) for name in _STAGES.values()
}


def measure_stages() -> None:
    """Makes every stage count its time and its output in this process."""
    for module, name in _STAGES.items():
        stage = getattr(importlib.import_module(module), name)
        stage.process = _measured(stage.process, _costs[name])


def _measured(process: Any, cost: dict[str, float]) -> Any:
    @functools.wraps(process)
    def measured(self: Any, element: Any) -> Iterator[Any]:
        elements = iter(process(self, element))
        while True:
            before = time.thread_time()
            try:
                one = next(elements)
            except StopIteration:
                return
            finally:
                cost["cpu_s"] += time.thread_time() - before
            cost["bytes_out"] += len(_CODER.encode(one))
            yield one

    return measured


def prepare(folder: pathlib.Path, setting: str) -> None:
    """Prepares the log in `folder` and prints the cost of each stage."""
    from benchmarks.prepare_speed import prepare as prepare_log

    measure_stages()
    arguments = argparse.Namespace(setting=setting, format="csv", output=None)
    started = time.process_time()
    prepare_log(arguments, folder, [])
    whole = time.process_time() - started
    _costs[_OTHERS] = {
        "cpu_s": whole - sum(cost["cpu_s"] for cost in _costs.values()),
        "bytes_out": 0.0,
    }
    print(json.dumps(_costs))


def measure(setting: str, size: LogSize) -> dict[str, dict[str, float]]:
    """Returns the cost of each stage with a log of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_log(folder, f"log-{size.rows}", size, file_format="csv")
        write_pools(folder, size.items)
        module = [sys.executable, "-m", "benchmarks.prepare_costs"]
        command = [*module, "--setting", setting, "--folder", name]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    costs: dict[str, dict[str, float]] = json.loads(printed.splitlines()[-1])
    return costs


def fit(sizes: Sequence[LogSize], costs: Sequence[float]) -> list[float]:
    """Returns a, b and c of a + b * rows + c * (users + items), at least 0."""
    columns = list(map(_columns, sizes))
    weights = 1.0 / np.maximum(np.array(costs), 1e-9)
    scale = np.max(columns, axis=0)
    weighted = np.array(columns) / scale * weights[:, np.newaxis]
    solution, _ = scipy.optimize.nnls(weighted, np.array(costs) * weights)
    fitted: list[float] = (solution / scale).tolist()
    return fitted


def _columns(size: LogSize) -> list[float]:
    return [1.0, size.rows, size.users + size.items]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=[1_000_000, 3_000_000])
    parser.add_argument("--setting", choices=("user", "scenario"), default="user")
    to = "ROWS", "USERS", "ITEMS"
    parser.add_argument("--to", type=int, nargs=3, metavar=to, help="extrapolate to")
    parser.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        prepare(arguments.folder, arguments.setting)
        return
    sizes = [LogSize(rows, rows // 50, rows // 200) for rows in arguments.rows]
    least = min(sizes, key=lambda size: size.rows)
    sizes += [
        LogSize(least.rows, least.users * times, least.items * times)
        for times in _ENTITIES_TIMES
    ]
    measured = []
    for size in sizes:
        measured.append(measure(arguments.setting, size))
        print(json.dumps({**dataclasses.asdict(size), "costs": measured[-1]}))
    for stage in measured[0]:
        fitted = {
            figure: fit(sizes, [costs[stage][figure] for costs in measured])
            for figure in _FIGURES
        }
        line = {"setting": arguments.setting, "stage": stage, **fitted}
        if arguments.to:
            columns = _columns(LogSize(*arguments.to))
            line["at"] = {f: float(np.dot(columns, fitted[f])) for f in _FIGURES}
        print(json.dumps(line))


if __name__ == "__main__":
    main()
