"""`python -m benchmarks.engines`: a line for each engine, and the files that differ.

Ends with 1 if an engine fails, or prepares other bytes than one process does.
"""

import argparse
import pathlib
import tempfile
import time

from benchmarks.engines.engines import ENGINES, Engine
from benchmarks.engines.preparation import differences, num_files, prepare
from benchmarks.engines.tables import write_experiments

_LOCAL = "local"


def main() -> int:
    """Prepares both settings on every engine that can run here."""
    names = [engine.name for engine in ENGINES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", metavar="engine", help=", ".join(names))
    parser.add_argument("--users", type=int, default=200, help="20 interactions each")
    parser.add_argument("--home", type=pathlib.Path, help="folder that is kept")
    arguments = parser.parse_args()
    if unknown := sorted({*arguments.engines} - {*names}):
        parser.error(f"engines are {', '.join(names)}, got {unknown[0]!r}")
    with tempfile.TemporaryDirectory() as temporary:
        home = arguments.home or pathlib.Path(temporary)
        write_experiments(home, arguments.users)
        started = time.monotonic()
        if fault := prepare(home, _LOCAL):
            raise SystemExit(fault)
        number, seconds = num_files(home / _LOCAL), time.monotonic() - started
        print(f"{_LOCAL}: {number} files of both settings, {seconds:.1f} s", flush=True)
        chosen = [e for e in ENGINES if e.name in (arguments.engines or names)]
        alike = [_is_alike(engine, home) for engine in chosen]
        return int(not all(alike))


def _is_alike(engine: Engine, home: pathlib.Path) -> bool:
    """Prepares on one engine and prints what differs."""
    if reason := engine.left_out():
        print(f"{engine.name}: left out, since {reason}", flush=True)
        return True
    with engine.start(home / f"{engine.name}_workers") as flags:
        started = time.monotonic()
        fault = prepare(home, engine.name, flags)
        seconds = time.monotonic() - started
    if fault:
        print(f"{engine.name}: failed\n{fault}", flush=True)
        return False
    different = differences(home / _LOCAL, home / engine.name)
    told = "no file differs" if not different else "different: " + ", ".join(different)
    print(f"{engine.name}: {told}, {seconds:.1f} s; {' '.join(flags)}", flush=True)
    return not different


if __name__ == "__main__":
    raise SystemExit(main())
