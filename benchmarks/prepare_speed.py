"""Rows a CPU second and peak memory of preparing a made-up log of any size.

python -m benchmarks.prepare_speed --setting user --rows 1000000 --format parquet

The log is written once (benchmarks/made_logs.py) and prepared by a process of its own,
imports left out of the time and not of the memory, which is that of the process and all
its children. Other flags go to Beam. Prints a JSON line.
"""

import argparse
import functools
import gc
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import psutil

from benchmarks.made_logs import LogSize, write_log, write_pools

_LOOKS_PER_S = 20


def prepare(
    arguments: argparse.Namespace, folder: pathlib.Path, flags: list[str]
) -> None:
    """Prepares the log in `folder` and prints CPU and wall seconds."""
    from pipeline.experiment.beam_options import beam_options
    from transforms.clicks.dataset import prepare_scenarios
    from transforms.clicks.schema import (
        ClickSpec,
        DomainSpec,
        PoolSpec,
        ScenarioDatasetSpec,
        ScenarioEpisodeSpec,
    )
    from transforms.ratings.dataset import prepare_dataset
    from transforms.specs import DatasetSpec, EpisodeSpec, InteractionSpec
    from transforms.table_spec import TableSpec

    (log,) = folder.glob(f"log-*.{arguments.format}")
    table = TableSpec(log.name, format=arguments.format)
    shards = arguments.num_shards
    run: Callable[..., object]
    if arguments.setting == "user":
        episodes = EpisodeSpec(num_shards=shards)
        ratings = DatasetSpec(InteractionSpec(table), episodes=episodes)
        run = functools.partial(prepare_dataset, ratings)
    else:
        (pools,) = folder.glob("pools-*.csv")
        domain = DomainSpec(ClickSpec(table), PoolSpec(TableSpec(pools.name)))
        of_scenarios = ScenarioEpisodeSpec(num_shards=shards)
        clicks = ScenarioDatasetSpec((domain,), episodes=of_scenarios)
        run = functools.partial(prepare_scenarios, clicks)
    options = beam_options(flags)
    gc.collect()
    before, started = _cpu_s(), time.monotonic()
    output = arguments.output or str(folder / "prepared")
    run(str(folder), output, fingerprint="benchmark", options=options)
    wall_s = time.monotonic() - started
    print(json.dumps({"cpu_s": _cpu_s() - before, "wall_s": wall_s}))


def _cpu_s() -> float:
    times = psutil.Process().cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def _resident_bytes(process: psutil.Process) -> int:
    """Returns the resident memory of a process and its children."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.Error:  # It has ended.
            continue
    return total


def measure(command: list[str]) -> tuple[dict[str, float], int]:
    """Runs a command; returns what it printed and the peak of its memory in bytes."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        process, peak = psutil.Process(child.pid), 0
        while child.poll() is None:
            try:
                peak = max(peak, _resident_bytes(process))
            except psutil.NoSuchProcess:
                break
            time.sleep(1 / _LOOKS_PER_S)
        assert child.stdout is not None
        printed = child.stdout.read()
    if child.returncode:
        raise SystemExit(child.returncode)
    figures: dict[str, float] = json.loads(printed.splitlines()[-1])
    return figures, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setting", choices=("user", "scenario"), default="user")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, help="rows / 50 if not given")
    parser.add_argument("--items", type=int, help="rows / 200 if not given")
    parser.add_argument("--num_shards", type=int, default=4, help="as of episodes")
    parser.add_argument("--output", help="where to keep the prepared data set")
    parser.add_argument("--prepare", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments, flags = parser.parse_known_args()
    if arguments.prepare:
        prepare(arguments, arguments.prepare, flags)
        return
    rows = arguments.rows
    size = LogSize(rows, arguments.users or rows // 50, arguments.items or rows // 200)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_log(folder, f"log-{rows}", size, file_format=arguments.format)
        write_pools(folder, size.items)
        module = [sys.executable, "-m", "benchmarks.prepare_speed"]
        figures, peak = measure([*module, *sys.argv[1:], "--prepare", name])
    print(
        json.dumps(
            {
                "setting": arguments.setting,
                "format": arguments.format,
                "rows": rows,
                "users": size.users,
                "items": size.items,
                "cpu_s": round(figures["cpu_s"], 2),
                "wall_s": round(figures["wall_s"], 2),
                "rows_per_cpu_s": round(rows / figures["cpu_s"]),
                "peak_mb": round(peak / 1e6),
            }
        )
    )


if __name__ == "__main__":
    main()
