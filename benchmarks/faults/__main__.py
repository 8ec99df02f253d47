"""`python -m benchmarks.faults --step train --kills 50`: a JSON line for each step."""

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

_SERVE, _BEGIN = "serve", "after"
_ABSENT = {"user": ("pretrain",), "scenario": ()}
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def main() -> int:
    """Kills, prints, and returns 1 if anything was not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", nargs="+", choices=[*STEPS, _SERVE])
    parser.add_argument("--setting", choices=["user", "scenario"], default="scenario")
    parser.add_argument("--kills", type=int, default=50, help="of each step")
    parser.add_argument("--disk", action="store_true", help="try faulty disks instead")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=pathlib.Path, help="folder that is kept")
    arguments = parser.parse_args()
    for name in _THREADS:  # Else sums of a training differ in their last bits.
        os.environ[name] = "1"
    os.environ["TF_DETERMINISTIC_OPS"] = "1"
    of_setting = [name for name in STEPS if name not in _ABSENT[arguments.setting]]
    names = arguments.step or [*of_setting, *([] if arguments.disk else [_SERVE])]
    needed = {name: needs(name, arguments.setting) for name in names}
    import_steps({one for name in names for one in (*needed[name], name)})
    with tempfile.TemporaryDirectory() as temporary:
        home = arguments.home or pathlib.Path(temporary)
        begin(home, arguments.setting)
        num_kills = 0 if arguments.disk else arguments.kills
        lines = []
        for name in names:
            line: dict[str, object] = {"setting": arguments.setting, "step": name}
            before = done(home, needed[name])
            line |= try_step(name, before, home, num_kills, arguments.seed)
            print(json.dumps(line), flush=True)
            lines.append(line)
    return int(any(line["faults"] for line in lines))


def try_step(
    name: str, before: pathlib.Path, home: pathlib.Path, num_kills: int, seed: int
) -> dict[str, object]:
    """Kills a step, or tries faulty disks, and returns what it came to."""
    started, chance = time.monotonic(), random.Random(seed)
    line: dict[str, object] = {}
    if name == _SERVE:
        line |= serving.kill(before, home, chance, num_kills)
    else:
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
    return line | {"seconds": round(time.monotonic() - started, 1)}


def needs(name: str, setting: str) -> tuple[str, ...]:
    """Returns the steps that come before a step."""
    before = serving.NEEDS if name == _SERVE else STEPS[name].needs
    return tuple(one for one in before if one not in _ABSENT[setting])


def begin(home: pathlib.Path, setting: str) -> None:
    """Writes what steps begin with, once."""
    if not (home / _BEGIN).exists():
        work = home / "work"
        work.mkdir(parents=True, exist_ok=True)
        write_experiment(work, setting)
        work.rename(home / _BEGIN)


def done(home: pathlib.Path, names: tuple[str, ...]) -> pathlib.Path:
    """Returns a folder in which these steps are done; each is done once."""
    folder = home / "-".join([_BEGIN, *names])
    if not folder.exists():
        work = kills.fresh(done(home, names[:-1]), home)
        ended = kills.start(STEPS[names[-1]], work).wait()
        if ended.status:
            raise RuntimeError(f"{names[-1]} fails: see {home / 'log'}")
        work.rename(folder)
    return folder


if __name__ == "__main__":
    raise SystemExit(main())
