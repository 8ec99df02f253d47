"""`python -m benchmarks.faults --step train --kills 50`: a JSON line for each step."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import random
import tempfile
import time

from benchmarks.faults import disk, kills, serving
from benchmarks.faults.forked import import_steps
from benchmarks.faults.made_up import write_experiment
from benchmarks.faults.steps import STEPS

_SERVE = "serve"
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def main() -> int:
    """Kills, prints, and returns 1 if anything was not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", nargs="+", choices=[*STEPS, _SERVE])
    parser.add_argument("--kills", type=int, default=50, help="of each step")
    parser.add_argument("--disk", action="store_true", help="try faulty disks instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=pathlib.Path, help="folder that is kept")
    arguments = parser.parse_args()
    for name in _THREADS:  # Else sums of a training differ in their last bits.
        os.environ[name] = "1"
    os.environ["TF_DETERMINISTIC_OPS"] = "1"
    names = arguments.step or [*STEPS, *([] if arguments.disk else [_SERVE])]
    import_steps({one for name in names for one in (*needs(name), name)})
    with tempfile.TemporaryDirectory() as temporary:
        home = arguments.home or pathlib.Path(temporary)
        num_kills = 0 if arguments.disk else arguments.kills
        lines = [try_step(name, home, num_kills, arguments.seed) for name in names]
    return int(any(line["faults"] for line in lines))


def try_step(
    name: str, home: pathlib.Path, num_kills: int, seed: int
) -> dict[str, object]:
    """Kills a step, or tries faulty disks, prints what it came to, and returns it."""
    started, chance = time.monotonic(), random.Random(seed)
    line: dict[str, object] = {"step": name}
    if name == _SERVE:
        before = done(home, needs(name))
        line |= serving.kill(before, home, chance, num_kills)
    else:
        before = done(home, needs(name))
        reference = kills.reference_of(name, before, home)
        line |= {
            "cpu_s": round(reference.ended.cpu_s, 2),
            "changes_of_files": reference.ended.operations,
            "differ_unkilled": sorted(reference.loose),
        }
        if num_kills:
            tally = kills.kill(name, reference, home, chance, num_kills)
            line |= kills.two_at_once(name, reference, home, tally)
            line |= dataclasses.asdict(tally)
        else:
            line |= disk.try_faults(name, reference, home)
    line["seconds"] = round(time.monotonic() - started, 1)
    print(json.dumps(line), flush=True)
    return line


def needs(name: str) -> tuple[str, ...]:
    """Returns the steps that come before a step."""
    return serving.NEEDS if name == _SERVE else STEPS[name].needs


def done(home: pathlib.Path, names: tuple[str, ...]) -> pathlib.Path:
    """Returns a folder in which these steps are done; each is done once."""
    folder = home / "-".join(["after", *names])
    if not folder.exists():
        if not names:
            work = home / "work"
            work.mkdir(parents=True, exist_ok=True)
            write_experiment(work)
        else:
            work = kills.fresh(done(home, names[:-1]), home)
            ended = kills.start(STEPS[names[-1]], work).wait()
            if ended.status:
                raise RuntimeError(f"{names[-1]} fails: see {home / 'log'}")
        work.rename(folder)
    return folder


if __name__ == "__main__":
    raise SystemExit(main())
