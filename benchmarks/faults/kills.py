"""Kills of one step, in series until it ends, and what they come to."""

import dataclasses
import pathlib
import random
import shutil
from collections.abc import Iterator

from benchmarks.faults import tree
from benchmarks.faults.forked import Ended, Forked, Moment, fork
from benchmarks.faults.steps import STEPS, Step

_LONGEST_SERIES = 5
_BEYOND = 1.1  # So that some moments come too late, and the step ends.


@dataclasses.dataclass(frozen=True)
class Reference:
    """A step that nobody has killed.

    Attributes:
        before: The folder that it starts from.
        ended: How it ended.
        digests: What it leaves.
        loose: Files that differ from one time to the next, though nobody is killed.
        size: Bytes that it adds.
    """

    before: pathlib.Path
    ended: Ended
    digests: tree.Digests
    loose: frozenset[str]
    size: int


@dataclasses.dataclass
class Tally:
    """What kills came to.

    Attributes:
        kills: Processes that were killed.
        before: Of these, before anything of the step was written.
        within: While it wrote.
        after: When all was there, before the process ended.
        series: Times that the step was brought to its end.
        extra_files: Most files at a time that the end does not have.
        faults: What was not as it has to be.
    """

    kills: int = 0
    before: int = 0
    within: int = 0
    after: int = 0
    series: int = 0
    extra_files: int = 0
    faults: list[str] = dataclasses.field(default_factory=list)


def start(step: Step, folder: pathlib.Path, operation: int | None = None) -> Forked:
    """Starts a step in a folder."""
    return fork(step.run, folder, operation)


def reference_of(name: str, before: pathlib.Path, home: pathlib.Path) -> Reference:
    """Runs a step twice, and says what it leaves.

    Raises:
        RuntimeError: If it fails.
    """
    found, ended = [], []
    for _ in range(2):
        work = fresh(before, home)
        ended.append(start(STEPS[name], work).wait())
        if ended[-1].status:
            log = (home / "log").read_text(errors="replace")
            raise RuntimeError(f"{name} ends with {ended[-1].status}: {log[-2000:]}")
        found.append(tree.digests(work))
    first, second = found
    if first.keys() != second.keys():
        raise RuntimeError(f"{name} leaves other files each time.")
    loose = {file for file in first if first[file] != second[file]}
    loose |= {file for file in first if file.endswith(STEPS[name].loose)}
    size = _size(work) - _size(before)
    return Reference(before, ended[0], first, frozenset(loose), size)


def _size(folder: pathlib.Path) -> int:
    """Returns the bytes of all files, in whole blocks."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*"))


def fresh(before: pathlib.Path, home: pathlib.Path) -> pathlib.Path:
    """Returns a new copy of a folder to work in."""
    work = home / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(before, work)
    return work


def kill(
    name: str,
    reference: Reference,
    home: pathlib.Path,
    chance: random.Random,
    num_kills: int,
) -> Tally:
    """Kills a step so many times, and lets it end now and then.

    Half of the moments are uniform over the processor time of the step, the others over
    the changes of files that it makes by Python.
    """
    tally = Tally()
    while tally.kills < num_kills:
        work = fresh(reference.before, home)
        for _ in range(min(_LONGEST_SERIES, num_kills - tally.kills)):
            was = tree.state(work)
            moment = _moment(reference.ended, chance)
            ended = start(STEPS[name], work, moment.operation).wait(moment)
            if ended.status != -9:
                break
            tally.kills += 1
            _look(name, work, was, reference, tally)
        else:
            ended = start(STEPS[name], work).wait()
        tally.series += 1
        wrong = list(wrong_in_the_end(ended, work, reference))
        tally.faults += [f"{name}, in the end: {text}" for text in wrong]
    return tally


def two_at_once(
    name: str, reference: Reference, home: pathlib.Path, tally: Tally
) -> dict[str, list[int]]:
    """Runs a step twice at once in one folder, and looks at what they leave.

    Returns:
        Their exit statuses: of one that was told that another is at it, 2.
    """
    work = fresh(reference.before, home)
    both = [start(STEPS[name], work) for _ in range(2)]
    ended = sorted([one.wait() for one in both], key=lambda one: one.status)
    if ended[1].status not in (0, 2):
        tally.faults.append(f"{name}, two at once: one ends with {ended[1].status}")
    wrong = wrong_in_the_end(ended[0], work, reference)
    tally.faults += [f"{name}, two at once: {text}" for text in wrong]
    return {"two_at_once": [one.status for one in ended]}


def _moment(ended: Ended, chance: random.Random) -> Moment:
    if chance.random() < 0.5:
        return Moment(cpu_s=chance.uniform(0.0, _BEYOND * ended.cpu_s))
    return Moment(operation=chance.randint(1, max(1, int(_BEYOND * ended.operations))))


def _look(
    name: str,
    work: pathlib.Path,
    was: dict[str, tuple[int, int]],
    reference: Reference,
    tally: Tally,
) -> None:
    """Looks at what a kill has left."""
    found = tree.digests(work)
    is_all = not tree.differences(found, reference.digests, reference.loose)
    tally.after += is_all
    tally.before += tree.state(work) == was
    tally.within = tally.kills - tally.before - tally.after
    extra = found.keys() - reference.digests.keys()
    tally.extra_files = max(tally.extra_files, len(extra))
    wrong = [*tree.half_written(work), *half_there(name, work, found, reference)]
    tally.faults += [f"{name}, after kill {tally.kills}: {text}" for text in wrong]


def half_there(
    name: str, work: pathlib.Path, found: tree.Digests, reference: Reference
) -> Iterator[str]:
    """Yields what looks complete and is not.

    Args:
        name: The step.
        work: Where it has run.
        found: What is there.
        reference: What is to be there in the end.
    """
    for glob in STEPS[name].looks_complete:
        for path in work.glob(glob):
            place = tree.normal(path.relative_to(work).as_posix())
            is_record = path.name == "lineage.json"
            if is_record and found[place] != reference.digests.get(place):
                continue  # Not all is on record.
            is_marker = is_record or path.name == "_SUCCESS"
            folder = place.rpartition("/")[0] if is_marker else place
            expected = _below(reference.digests, folder)
            for text in tree.differences(
                _below(found, folder), expected, reference.loose
            ):
                if "left over" not in text:
                    yield f"{place} looks complete, but {text}"


def _below(files: tree.Digests, folder: str) -> dict[str, str]:
    return {
        name: digest
        for name, digest in files.items()
        if name == folder or name.startswith(f"{folder}/")
    }


def wrong_in_the_end(
    ended: Ended, work: pathlib.Path, reference: Reference
) -> Iterator[str]:
    """Yields what differs from a step that nothing has happened to."""
    if ended.status:
        yield f"it ends with {ended.status}"
    yield from tree.differences(tree.digests(work), reference.digests, reference.loose)
