"""How much faster two workers of an engine prepare a made-up log than one.

python -m benchmarks.prepare_by_workers --rows 10000000 --engines dask flink

Workers have one thread each, and each a core that its processes are kept to, as if it
were a machine. They prepare the long log first, so that they have started, imported and
compiled what they need, then a short one, which takes what a job takes whatever its
rows, and the long one again.
Prints a JSON line for each engine and number of workers: wall seconds of the driver,
of the short log and of the long one, seconds of processor time of every process of the
engine that was busy, those of the driver, and the load of the machine before. Flink and
Spark want the variables of `make engines`. Other flags go to Beam.
"""

import argparse
import json
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Sequence

import psutil

from benchmarks.engines.engines import ENGINES, Engine
from benchmarks.made_logs import LogSize, write_log
from benchmarks.prepare_speed import measure

_PREPARE = [sys.executable, "-m", "benchmarks.prepare_speed"]
_LOGS = ("short", "long")
_BUSY_S = 1.0


def measured(
    engine: Engine, number: int, home: pathlib.Path, more: Sequence[str] = ()
) -> dict[str, object]:
    """Prepares the long log by so many workers of an engine, with more flags."""
    load = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(dir=home) as folder,
        engine.start(pathlib.Path(folder), number) as flags,
    ):
        short, long = (
            [*_PREPARE, *flags, *more, "--prepare", str(home / log)] for log in _LOGS
        )
        _keep_to_cores(pathlib.Path(folder))
        measure(long)  # Java compiles what has run for long.
        of_short, _ = measure(short)
        before = _cpu_s()
        figures, _ = measure(long)
        after = _cpu_s()
    used = sorted((after[one] - before.get(one, 0.0) for one in after), reverse=True)
    return {
        "workers": number,
        "short_wall_s": round(of_short["wall_s"], 1),
        "wall_s": round(figures["wall_s"], 1),
        "cpu_s": [round(one, 1) for one in used if one > _BUSY_S],
        "driver_cpu_s": round(figures["cpu_s"], 1),
        "load": round(load, 1),
    }


def _keep_to_cores(folder: pathlib.Path) -> None:
    """Gives the processes of each worker a core, as if it were a machine of its own."""
    for process in psutil.Process().children(recursive=True):
        place = pathlib.Path(process.cwd())
        number = re.fullmatch(r"(?:worker|task_manager|pool)(\d)", place.name)
        if number is None or place.parent != folder:
            continue
        for thread in process.threads():
            os.sched_setaffinity(thread.id, {int(number[1]) % (os.cpu_count() or 1)})


def _cpu_s() -> dict[int, float]:
    """Returns the processor time of all processes that were started here, by id."""
    times = {
        one.pid: one.cpu_times() for one in psutil.Process().children(recursive=True)
    }
    return {pid: time.user + time.system for pid, time in times.items()}


def main() -> None:
    names = [engine.name for engine in ENGINES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--engines", nargs="+", default=["dask"], choices=names)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    arguments, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        home = pathlib.Path(name)
        for folder, rows in zip(_LOGS, (20_000, arguments.rows), strict=True):
            (home / folder).mkdir()
            size = LogSize(rows, rows // 50, rows // 200)
            write_log(home / folder, f"log-{rows}", size, file_format="csv")
        for engine in ENGINES:
            for number in arguments.workers if engine.name in arguments.engines else ():
                line = {"engine": engine.name, "rows": arguments.rows}
                line |= measured(engine, number, home, more)
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
